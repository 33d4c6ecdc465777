"""The quality gate: every state from made signal, with its timing, and what must never be one."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.config import QualitySettings
from monitor.errors import MonitorError
from monitor.messages import LeadState, Quality, Samples, StreamInfo
from monitor.stages.quality import QualityGate
from monitor.stages.quality.noise import Noise
from monitor.stages.quality.texture import Texture

Signal = NDArray[np.float64]
RATE_HZ = 250.0
OK, FLAT, LEAD_OFF = LeadState.OK, LeadState.FLAT, LeadState.LEAD_OFF
SATURATED, NOISY, INVALID = LeadState.SATURATED, LeadState.NOISY, LeadState.INVALID


def judge(signal_mv: Signal, rate_hz: float = RATE_HZ, hop_s: float = 0.25) -> list[Quality]:
    """Push a whole signal, shape (n,) or (n, leads), hop by hop."""
    values = np.asarray(signal_mv, dtype=np.float32)
    values = values[:, None] if values.ndim == 1 else values
    info = StreamInfo("test", rate_hz, tuple(f"L{k}" for k in range(values.shape[1])))
    gate, hop = QualityGate(info, QualitySettings()), round(hop_s * rate_hz)
    starts = range(0, len(values) - hop + 1, hop)
    return [gate.push(Samples("test", i, values[i : i + hop])) for i in starts]


def states(verdicts: list[Quality], start_s: float = 0.0, end_s: float = np.inf) -> set[LeadState]:
    """States of the first lead in hops that lie wholly in [start_s, end_s)."""
    return {
        v.leads[0]
        for v in verdicts
        if start_s * RATE_HZ <= v.sample and v.end_sample <= end_s * RATE_HZ
    }


def coded(signal_mv: Signal, step_mv: float = 0.005) -> Signal:
    """The signal in whole steps of a converter."""
    return np.asarray(np.round(signal_mv / step_mv) * step_mv)


def seconds(duration_s: float, rate_hz: float = RATE_HZ) -> Signal:
    return np.arange(round(duration_s * rate_hz)) / rate_hz


def grain(n: int, rms_mv: float, seed: int = 1) -> Signal:
    return np.random.default_rng(seed).normal(0.0, rms_mv, n)


def beats(duration_s: float, rate_hz: float = RATE_HZ, tall_t: bool = False) -> Signal:
    """P, QRS and T as Gaussians at 75/min over a restless, wandering baseline."""
    t = seconds(duration_s, rate_hz)
    phase = t % 0.8
    waves = [(0.1, 0.2, 0.02), (1.2, 0.36, 0.011), (1.3 if tall_t else 0.3, 0.6, 0.04)]
    wave = sum(height * np.exp(-0.5 * ((phase - at) / width) ** 2) for height, at, width in waves)
    return coded(wave + grain(len(t), 0.01) + 0.1 * np.sin(t))


def with_fault(fault: Callable[[Signal], Signal], duration_s: float = 20.0) -> list[Quality]:
    """Ten seconds of beats, then the fault made from the beats, then ten seconds of beats."""
    signal = beats(20.0 + duration_s)
    middle = slice(2500, 2500 + round(duration_s * RATE_HZ))
    signal[middle] = fault(signal[middle])
    verdicts = judge(signal)
    assert states(verdicts, 0.0, 9.9) == {OK}
    assert states(verdicts, 10.0 + duration_s + 2.3) == {OK}, "usable again within about 2 s"
    return verdicts


# --- what stays usable ---------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [100.0, 125.0, 250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("change", [(0.1, 0.0), (1.0, 0.0), (10.0, 0.0), (-1.0, 0.0), (1.0, 300.0)])
def test_beats_are_ok_at_any_rate_gain_polarity_and_offset(
    rate_hz: float, change: tuple[float, float]
) -> None:
    gain, offset_mv = change
    verdicts = judge(gain * beats(20.0, rate_hz) + offset_mv, rate_hz)
    assert {v.leads for v in verdicts} == {(OK,)}


@pytest.mark.parametrize("hop_s", [0.05, 0.1, 0.5, 1.0])
def test_hops_of_any_length(hop_s: float) -> None:
    signal = beats(40.0)
    signal[5000:7500] = signal[5000]
    verdicts = judge(signal, hop_s=hop_s)
    assert states(verdicts, 0.0, 20.0) == {OK}
    assert states(verdicts, 22.0, 30.0) == {FLAT}
    assert states(verdicts, 32.5) == {OK}


def test_tall_t_waves_are_ok() -> None:
    assert states(judge(beats(60.0, tall_t=True))) == {OK}


@pytest.mark.parametrize("noise_mv", [0.003, 0.01, 0.025])
@pytest.mark.parametrize("drift_mv", [0.0, 0.3])
@pytest.mark.parametrize("before_s", [0.0, 10.0])
def test_asystole_is_usable(noise_mv: float, drift_mv: float, before_s: float) -> None:
    t = seconds(60.0)
    quiet = grain(len(t), noise_mv) + drift_mv * np.sin(2 * np.pi * 0.1 * t)
    verdicts = judge(coded(np.concatenate([beats(before_s), quiet])))
    assert states(verdicts) == {OK}


def test_asystole_on_a_coarse_converter_is_usable_until_it_alarms() -> None:
    """Steps of 50 uV: the baseline between beats is constant too, and says nothing."""
    signal = coded(beats(30.0), 0.05)
    signal[5000:] = signal[5000]
    assert states(judge(signal), 0.0, 27.0) == {OK}


@pytest.mark.parametrize("rate", [3.0, 4.0, 5.5, 7.0])
@pytest.mark.parametrize("height_mv", [0.15, 0.5, 2.0])
def test_fibrillation_and_tachycardia_waves_are_usable(rate: float, height_mv: float) -> None:
    t = seconds(30.0)
    rng = np.random.default_rng(3)
    knots = np.arange(0.0, 32.0, 0.5)
    phase = 2 * np.pi * np.cumsum(rate + np.interp(t, knots, rng.normal(0, 0.6, 64))) / RATE_HZ
    height = height_mv * np.exp(np.interp(t, knots, rng.normal(0.0, 0.3, 64)))
    waves = height * (np.sin(phase) + 0.2 * np.sin(2 * phase + 1.0)) + grain(len(t), 0.01)
    assert states(judge(coded(np.concatenate([beats(10.0), waves])))) == {OK}


def test_clipped_qrs_tops_are_no_saturation() -> None:
    assert states(judge(np.clip(beats(60.0), -5.0, 0.6))) == {OK}


def test_a_slow_smooth_drift_to_new_heights_is_no_saturation() -> None:
    signal = beats(40.0)
    signal[2500:] = coded(0.1 * (seconds(30.0)))
    assert SATURATED not in states(judge(signal))


def test_a_single_spike_is_nothing() -> None:
    signal = beats(20.0)
    signal[2500:2505] += 10.0
    assert states(judge(signal)) == {OK}


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_beats_under_moderate_hum_are_ok(mains_hz: float) -> None:
    hum = 0.3 * np.sin(2 * np.pi * mains_hz * seconds(60.0))
    assert states(judge(coded(beats(60.0) + hum))) == {OK}


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_samples_are_invalid(value: float) -> None:
    verdicts = with_fault(lambda x: np.full_like(x, value))
    assert states(verdicts, 11.0, 30.0) == {INVALID}


def test_a_lead_that_has_not_given_a_sample_is_not_called_ok() -> None:
    signal = beats(10.0)
    signal[:500] = np.nan
    assert states(judge(signal), 0.0, 2.0) == {INVALID}
    assert states(judge(signal), 3.0) == {OK}


def test_holes_too_short_to_hide_a_beat_are_nothing() -> None:
    signal = beats(30.0)
    for start in range(1000, 7000, 500):
        signal[start : start + 25] = np.nan  # 0.1 s every 2 s
    assert states(judge(signal)) == {OK}


def test_the_padding_of_the_last_hop_is_no_fault() -> None:
    signal = beats(10.0)
    signal[-55:] = np.nan
    assert states(judge(signal)) == {OK}


@pytest.mark.parametrize("level_mv", [0.0, 0.07])
def test_constant_is_flat(level_mv: float) -> None:
    verdicts = with_fault(lambda x: np.full_like(x, level_mv))
    assert states(verdicts, 11.5, 30.0) == {FLAT}


@pytest.mark.parametrize("rail_mv", [5.115, -5.12])
def test_constant_at_a_rail_is_lead_off(rail_mv: float) -> None:
    verdicts = with_fault(lambda x: np.full_like(x, rail_mv))
    assert OK not in states(verdicts, 11.0, 30.0), "not usable within a second"
    assert states(verdicts, 11.5, 30.0) == {LEAD_OFF}


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("height_mv", [1.5, 30.0])
def test_bare_hum_is_lead_off(mains_hz: float, height_mv: float) -> None:
    hum = height_mv * np.sin(2 * np.pi * mains_hz * seconds(20.0))
    verdicts = with_fault(lambda x: coded(hum + grain(len(x), 0.01)))
    assert states(verdicts, 13.0, 30.0) == {LEAD_OFF}


def test_swinging_between_the_rails_is_saturated() -> None:
    verdicts = with_fault(
        lambda x: np.clip(x + 12.0 * np.sin(2 * np.pi * 0.7 * seconds(20.0)), -5.12, 5.115)
    )
    assert OK not in states(verdicts, 11.5, 30.0)
    assert SATURATED in states(verdicts, 11.5, 30.0)


def test_the_glide_back_from_a_rail_is_not_asystole() -> None:
    def glide(x: Signal) -> Signal:
        t = seconds(20.0)
        back = -5.12 * np.exp(-np.maximum(t - 5.0, 0.0) / 3.0)
        return coded(np.where(t < 5.0, -5.12, back + grain(len(t), 0.004)))

    verdicts = with_fault(glide)
    assert OK not in states(verdicts, 11.0, 22.0)
    assert states(verdicts, 26.0, 30.0) == {OK}, "a quiet baseline in the end"


def test_beats_on_the_glide_back_from_a_rail_are_ok() -> None:
    t = seconds(20.0)
    back = -5.12 * np.exp(-np.maximum(t - 5.0, 0.0) / 3.0)
    verdicts = with_fault(lambda x: coded(np.where(t < 5.0, -5.12, x + back)))
    assert states(verdicts, 18.5, 30.0) == {OK}


def test_muscle_noise_as_strong_as_the_beats_is_noisy() -> None:
    verdicts = with_fault(lambda x: coded(x + grain(len(x), 1.2)))
    assert states(verdicts, 13.0, 30.0) == {NOISY}


def test_muscle_noise_far_below_the_beats_is_ok() -> None:
    assert states(with_fault(lambda x: coded(x + grain(len(x), 0.06)))) == {OK}


def test_violent_motion_is_noisy() -> None:
    rng = np.random.default_rng(4)
    steps = np.zeros(5000)
    for at in rng.integers(0, 5000, 60):
        length = int(rng.integers(5, 60))
        edge = np.concatenate([np.linspace(0.0, 1.0, length), np.ones(5000)])[: 5000 - at]
        steps[at:] += rng.normal(0.0, 2.5) * edge * np.exp(-np.arange(5000 - at) / 150.0)
    verdicts = with_fault(lambda x: coded(x + steps))
    middle = [v.leads[0] for v in verdicts if 3250 <= v.sample < 7500]
    assert middle.count(NOISY) > 0.5 * len(middle)


# --- several leads, gaps, anything ---------------------------------------------------------------


def test_usable_while_one_lead_is() -> None:
    pair = np.stack([beats(40.0), beats(40.0)], axis=1)
    pair[2500:7500, 0] = 5.115
    pair[5000:7500, 1] = 0.0
    verdicts = judge(pair)
    assert all(v.usable == (OK in v.leads) for v in verdicts)
    assert {v.leads[1] for v in verdicts if v.end_sample <= 5000} == {OK}
    late = [v for v in verdicts if 5400 <= v.sample < 7400]
    assert {v.leads for v in late} == {(LEAD_OFF, FLAT)}
    assert all(v.usable for v in verdicts if v.sample >= 8100)


def test_leads_do_not_influence_each_other() -> None:
    first, second = beats(30.0), beats(30.0, tall_t=True)
    second[2000:3000] = np.nan
    second[4000:6000] += grain(2000, 2.0)
    both = judge(np.stack([first, second], axis=1))
    assert [v.leads[0] for v in both] == [v.leads[0] for v in judge(first)]
    assert [v.leads[1] for v in both] == [v.leads[0] for v in judge(second)]


def test_a_gap_ends_a_constant_run() -> None:
    gate = QualityGate(StreamInfo("test", RATE_HZ, ("II",)), QualitySettings())
    start, found = 0, []
    for _ in range(10):  # 0.75 s of one value, then a hole
        for _ in range(3):
            found.append(gate.push(Samples("test", start, np.zeros((62, 1), np.float32))))
            start += 62
        start += 1000
    assert {v.leads for v in found} == {(OK,)}


def test_a_fault_outlives_a_gap_until_the_signal_is_good() -> None:
    gate = QualityGate(StreamInfo("test", RATE_HZ, ("II",)), QualitySettings())
    for start in range(0, 62 * 20, 62):
        before = gate.push(Samples("test", start, np.zeros((62, 1), np.float32)))
    signal = beats(10.0).astype(np.float32)[:, None]
    after = [
        gate.push(Samples("test", 100_000 + i, signal[i : i + 62])) for i in range(0, 2400, 62)
    ]
    assert before.leads == (FLAT,)
    assert after[0].leads == (FLAT,)
    assert {v.leads for v in after[8:]} == {(OK,)}


def test_what_is_remembered_of_a_clean_signal_is_forgotten() -> None:
    clean, drowned = [1.0, 0.1, 0.01, 1.2, 6.0], [1.5, 0.5, 0.1, 2.0, 9.0]
    restless = np.random.default_rng(3).lognormal(0.0, 0.3, (400, 5))
    texture = restless * np.repeat([clean, drowned, clean, drowned], 100, axis=0)
    first, second = Noise(QualitySettings()), Noise(QualitySettings())
    for figures in texture[:100].tolist():
        first.push(0.25, Texture(*figures))
        second.push(0.25, Texture(*(1.3 * x for x in figures)))
    verdicts = []
    for _ in range(10):  # ten times the same 100 s
        verdicts = [
            (first.push(0.25, Texture(*figures)), second.push(0.25, Texture(*figures)))
            for figures in texture.tolist()
        ]
    assert {a for a, _ in verdicts} == {NOISY, OK}
    assert all(a is b for a, b in verdicts)
    # a hop of no length is judged and teaches nothing: it shows what is remembered
    probes = [Texture(1.5, median, 0.2 * median, 2.0, 9.0) for median in np.geomspace(0.05, 1, 500)]
    verdicts = [(first.push(0.0, probe), second.push(0.0, probe)) for probe in probes]
    assert {a for a, _ in verdicts} == {NOISY, OK}
    assert all(a is b for a, b in verdicts)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_samples_are_judged(data: st.DataObject) -> None:
    leads = data.draw(st.integers(1, 3))
    rate_hz = data.draw(st.sampled_from([100.0, 128.0, 360.0, 1000.0]))
    info = StreamInfo("test", rate_hz, tuple("abc"[:leads]))
    gate = QualityGate(info, QualitySettings())
    value = st.sampled_from([0.0, 1.0, -5.12, 1e-9, 3e38, -3e38, np.nan, np.inf, -np.inf])
    start = 0
    for _ in range(data.draw(st.integers(1, 12))):
        n = data.draw(st.sampled_from([1, 2, round(0.25 * rate_hz)]))
        rng = np.random.default_rng(data.draw(st.integers(0, 9)))
        values = rng.normal(0.0, 1.0, (n, leads)).astype(np.float32)
        values[rng.random((n, leads)) < data.draw(st.sampled_from([0.0, 0.5, 1.0]))] = data.draw(
            value
        )
        verdict = gate.push(Samples("test", start, values))
        assert (verdict.sample, verdict.end_sample) == (start, start + n)
        assert len(verdict.leads) == leads
        assert verdict.usable == (OK in verdict.leads)
        start += n + data.draw(st.sampled_from([0, 0, 500]))


@pytest.mark.parametrize(
    ("key", "value"),
    [("constant_s", 0.0), ("pinned_fraction", 1.0), ("motion_ratio", 1.0), ("recover_s", 3.0)],
)
def test_limits_out_of_range_are_refused(key: str, value: float) -> None:
    with pytest.raises(MonitorError, match=rf"quality\.{key}"):
        QualitySettings(**{key: value})
