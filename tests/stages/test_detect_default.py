"""The default detector on real records, and on what a monitor must live through."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import wfdb
from numpy.typing import NDArray

from monitor.config import DetectSettings
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.score import Annotations, Conditions, RecordScore, compare_beats, read_annotations
from monitor.sources.simulator import Scenario, Segment, Simulator
from monitor.stages.detect import make_detector

Signal = NDArray[np.float64]
RATE_HZ = 360.0
MINUTE = round(60 * RATE_HZ)
OK, OFF = LeadState.OK, LeadState.LEAD_OFF


@lru_cache(maxsize=16)
def record(folder: Path, name: str, minutes: int) -> tuple[Signal, NDArray[np.int64], Annotations]:
    """First minutes of a record: signal (n, 2) in mV with MLII first, beats, annotations."""
    path = str(folder / "mitdb" / name)
    read = wfdb.rdrecord(path, sampto=minutes * MINUTE)
    signal = read.p_signal
    if "MLII" in read.sig_name[1:]:
        signal = signal[:, ::-1]
    truth, _ = read_annotations(path, "atr")
    kept = truth.samples < minutes * MINUTE
    symbols = np.array(truth.symbols)[kept]
    samples = truth.samples[kept]
    beats = samples[np.isin(symbols, list("NLRBAaJSVrFejnE/fQ?"))]
    return signal, beats, Annotations.from_arrays(samples, tuple(symbols.tolist()))


def detect(
    signal: Signal,
    rate_hz: float = RATE_HZ,
    states: Callable[[int], tuple[LeadState, ...]] | None = None,
    skip: range = range(0),
    first: int = 0,
) -> list[RPeak]:
    """Stream a signal, shape (n,) or (n, leads), through the default detector."""
    values = np.asarray(signal, np.float32)
    values = values[:, None] if values.ndim == 1 else values
    leads = values.shape[1]
    hop = round(0.25 * rate_hz)
    info = StreamInfo("bed-1", rate_hz, tuple("AB"[:leads]), start_sample=first)
    detector = make_detector(info, DetectSettings())
    found: list[RPeak] = []
    for at in range(0, len(values) - hop + 1, hop):
        if at in skip:
            continue
        block = Samples("bed-1", first + at, values[at : at + hop])
        lead_states = (OK,) * leads if states is None else states(at)
        quality = Quality("bed-1", block.start_sample, block.end_sample, lead_states, usable=True)
        found += detector.push(block, quality)
    return found + detector.flush()


def score(
    peaks: list[RPeak], truth: Annotations, length: int, rate_hz: float = RATE_HZ
) -> RecordScore:
    """Compare by EC57, but from 10 s on."""
    kept = truth.samples < length - rate_hz
    symbols = tuple(np.array(truth.symbols)[kept].tolist())
    test = [p.sample for p in peaks if p.sample < length - rate_hz]
    return compare_beats(
        Annotations.from_arrays(truth.samples[kept], symbols),
        Annotations.from_arrays(test),
        rate_hz,
        length_samples=length,
        conditions=Conditions(start_s=10.0),
    )


def errors(result: RecordScore) -> int:
    """Missed and false beats together."""
    return len(result.false_negatives) + len(result.false_positives)


def missed(peaks: list[RPeak], beats: NDArray[np.int64], start: float, stop: float) -> list[float]:
    """Seconds of the beats in [start, stop) samples that no peak is within 100 ms of."""
    samples = np.array([p.sample for p in peaks])
    inside = beats[(beats >= start) & (beats < stop)]
    assert len(inside), "the test needs beats there"
    return [b / RATE_HZ for b in inside if np.abs(samples - b).min() > 0.1 * RATE_HZ]


def bells(bpm: float, seconds: float, rate_hz: float = RATE_HZ) -> tuple[Signal, Signal]:
    """A narrow-QRS ECG, shape (n,), and the seconds of its R peaks."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    short = min(1.0, 100.0 / bpm) ** 0.5  # P and T draw near at high rates
    beats_s = np.arange(0.4, seconds - 0.5, 60.0 / bpm)
    signal = 0.01 * np.random.default_rng(1).standard_normal(len(t))
    for at in beats_s:
        for size, offset, width in (
            (0.1, -0.12 * short, 0.02 * short),
            (-0.1, -0.022, 0.007),
            (1.0, 0.0, 0.009),
            (-0.2, 0.024, 0.008),
            (0.2, 0.2 * short, 0.035 * short),
        ):
            signal += size * np.exp(-0.5 * ((t - at - offset) / width) ** 2)
    return signal, beats_s


# --- accuracy -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "leads", "allowed"),
    [
        ("108", 2, 4),  # tall P waves, small QRS
        ("119", 1, 1),  # bigeminy
        ("203", 2, 12),  # AF, multiform PVCs, noise
        ("208", 2, 12),  # PVCs, fusion beats
        ("107", 1, 3),  # paced, tall T waves
        ("217", 2, 5),  # paced
        ("114", 1, 2),  # small QRS
    ],
)
def test_finds_the_beats_of_hard_records(
    data_dir: Path, name: str, leads: int, allowed: int
) -> None:
    signal, beats, truth = record(data_dir, name, 6)
    peaks = detect(signal[:, :leads])
    result = score(peaks, truth, len(signal))
    assert errors(result) <= allowed, f"of {len(beats)} beats"
    assert np.median(np.abs(result.offsets_ms)) < 20.0


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize("name", ["118", "203"])
def test_r_peaks_lie_on_the_r_peak_in_either_polarity(
    data_dir: Path, name: str, sign: float
) -> None:
    signal, _, truth = record(data_dir, name, 3)
    offsets_ms = np.abs(score(detect(sign * signal), truth, len(signal)).offsets_ms)
    assert np.median(offsets_ms) < 10.0
    assert np.percentile(offsets_ms, 95) < 40.0


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize("name", ["122", "205"])
def test_noise_does_not_move_the_r_peak(data_dir: Path, name: str, sign: float) -> None:
    """Slow noise at 9 dB, reckoned as in the noise stress test database."""
    signal, beats, truth = record(data_dir, name, 6)
    slow = scipy.signal.butter(2, (1.0, 8.0), "bandpass", fs=RATE_HZ, output="sos")
    noise = scipy.signal.sosfilt(
        slow, np.random.default_rng(1).standard_normal(signal.shape), axis=0
    )
    size = np.median(np.ptp(signal[beats[5:-5, None] + np.arange(-18, 19)], axis=1), axis=0)
    noise *= size / np.sqrt(8.0) / noise.std(axis=0) * 10 ** (-9 / 20)
    result = score(detect(sign * (signal + noise)), truth, len(signal))
    offsets_ms = np.abs(result.offsets_ms)
    assert errors(result) <= 4, f"of {len(beats)} beats"
    assert np.median(offsets_ms) < 10.0
    assert np.mean(offsets_ms > 20.0) < 0.02


@pytest.mark.parametrize(("name", "looked_back"), [("100", 0), ("203", 2)])
def test_decides_soon(data_dir: Path, name: str, looked_back: int) -> None:
    signal, _, _ = record(data_dir, name, 5)
    peaks = detect(signal)
    delays_s = [(p.decided_sample - p.sample) / RATE_HZ for p in peaks if not p.searched_back]
    assert np.median(delays_s) <= 0.35
    assert max(delays_s) <= 1.0
    assert len(peaks) - len(delays_s) <= looked_back


def test_first_beats_are_given_in_time_or_marked_wherever_the_stream_begins(
    data_dir: Path,
) -> None:
    signal, beats, _ = record(data_dir, "119", 3)
    given = marked = 0
    for start in range(0, MINUTE, 1111):
        peaks = detect(signal[start : start + MINUTE // 6])
        assert missed(peaks, beats - start, 36, MINUTE // 6 - RATE_HZ) == []
        late = [p for p in peaks if p.decided_sample - p.sample > RATE_HZ]
        assert all(p.searched_back for p in late)
        given += len(peaks)
        marked += len(late)
    assert marked < given / 50


def test_a_t_wave_taken_for_the_first_beat_is_forgotten(data_dir: Path) -> None:
    # the record begins with a T wave, 0.8 s before its first QRS
    signal, beats, _ = record(data_dir, "202", 2)
    peaks = detect(signal[:, :1])
    assert missed(peaks, beats, 0, len(signal) - RATE_HZ) == []
    late = [p.sample for p in peaks if p.sample > 3 * RATE_HZ]
    assert [p for p in late if np.abs(beats - p).min() > 0.15 * RATE_HZ] == []


def test_a_beat_in_doubt_while_its_level_is_forgotten_is_learnt(data_dir: Path) -> None:
    # the level is learnt anew while a beat weighed by the first one still waits
    start = 70_655
    signal, beats, _ = record(data_dir, "207", 4)
    peaks = detect(signal[start : start + MINUTE // 6])
    assert missed(peaks, beats - start, RATE_HZ, MINUTE // 6 - RATE_HZ) == []


@pytest.mark.parametrize("after_s", [0.03, 0.06, 0.1, 0.2])
def test_the_last_beat_of_a_stream_is_given(data_dir: Path, after_s: float) -> None:
    signal, beats, _ = record(data_dir, "100", 2)
    for last in beats[20:30]:
        end = round(last + after_s * RATE_HZ)
        # whole hops: the end of the stream is the end of a hop
        peaks = detect(signal[end % 90 : end])
        assert missed(peaks, beats - end % 90, 6 * RATE_HZ, end - end % 90) == []


# --- what must make no difference ---------------------------------------------------------


def _mains(frequency_hz: float) -> Callable[[Signal], tuple[Signal, float]]:
    def change(x: Signal) -> tuple[Signal, float]:
        hum = 0.2 * np.sin(2 * np.pi * frequency_hz * np.arange(len(x)) / RATE_HZ)
        return x + hum[:, None], RATE_HZ

    return change


def _rate(rate_hz: int) -> Callable[[Signal], tuple[Signal, float]]:
    def change(x: Signal) -> tuple[Signal, float]:
        common = np.gcd(rate_hz, 360)
        resampled = scipy.signal.resample_poly(x, rate_hz // common, 360 // common, axis=0)
        return resampled, float(rate_hz)

    return change


@lru_cache
def plain_errors(folder: Path, name: str) -> int:
    """Errors on the first four minutes as they were recorded."""
    signal, _, truth = record(folder, name, 4)
    return errors(score(detect(signal), truth, len(signal)))


CHANGES: dict[str, Callable[[Signal], tuple[Signal, float]]] = {
    "gain 0.1": lambda x: (0.1 * x, RATE_HZ),
    "gain 10": lambda x: (10.0 * x, RATE_HZ),
    "inverted": lambda x: (-x, RATE_HZ),
    "offset": lambda x: (x - 3.0, RATE_HZ),
    "50 Hz mains": _mains(50.0),
    "60 Hz mains": _mains(60.0),
    "100 Hz": _rate(100),
    "250 Hz": _rate(250),
    "1000 Hz": _rate(1000),
}


@pytest.mark.parametrize("change", CHANGES)
def test_se_and_pp_stay_when_only_the_recording_changes(data_dir: Path, change: str) -> None:
    beats = before = after = 0
    for name in ("119", "203", "228"):
        signal, places, truth = record(data_dir, name, 4)
        beats += len(places)
        before += plain_errors(data_dir, name)
        changed, rate_hz = CHANGES[change](signal)
        scaled = Annotations.from_arrays(
            np.round(truth.samples * rate_hz / RATE_HZ).astype(np.int64), truth.symbols
        )
        after += errors(score(detect(changed, rate_hz), scaled, len(changed), rate_hz))
    # 0.1 point of 900 beats
    assert abs(after - before) <= 1, f"{before} errors before, {after} after, of {beats} beats"


def test_the_first_sample_of_the_stream_does_not_matter(data_dir: Path) -> None:
    signal, _, _ = record(data_dir, "208", 2)
    at_zero = [(p.sample, p.decided_sample) for p in detect(signal)]
    later = [(p.sample - 9000, p.decided_sample - 9000) for p in detect(signal, first=9000)]
    assert at_zero == later


# --- faults -------------------------------------------------------------------------------


@pytest.mark.parametrize("leads", [1, 2])
@pytest.mark.parametrize("fault", ["spike", "saturation", "step", "hole", "NaN"])
def test_is_back_two_seconds_after(data_dir: Path, fault: str, leads: int) -> None:
    signal, beats, _ = record(data_dir, "119", 2)
    changed = signal[:, :leads].copy()
    at, n = MINUTE, round(3 * RATE_HZ)
    end = at + n
    skip = range(0)
    if fault == "spike":
        end = at + 3
        changed[at:end] += 10.0
    elif fault == "saturation":
        changed[at:end] = 5.0
    elif fault == "step":
        end = at + 1
        changed[at:] += 4.0
    elif fault == "hole":
        skip = range(at, end)
    else:
        changed[at:end] = np.nan
    peaks = detect(changed, skip=skip)
    assert missed(peaks, beats, 6 * RATE_HZ, at - RATE_HZ) == []
    assert missed(peaks, beats, end + 2 * RATE_HZ, len(signal) - RATE_HZ) == []
    if fault in ("saturation", "hole", "NaN"):
        assert not [p for p in peaks if at + 0.3 * RATE_HZ < p.sample < end - 0.1 * RATE_HZ]


@pytest.mark.parametrize("fill", [np.nan, 5.0, 0.0])
@pytest.mark.parametrize("bad", [0, 1])
def test_one_failing_lead_of_two_costs_no_beat(data_dir: Path, bad: int, fill: float) -> None:
    signal, beats, _ = record(data_dir, "100", 3)
    changed = signal.copy()
    start, stop = MINUTE, 2 * MINUTE
    changed[start:stop, bad] = fill

    def states(at: int) -> tuple[LeadState, ...]:
        # the quality stage needs about a second to be sure
        off = start + RATE_HZ <= at < stop + RATE_HZ
        return tuple(OFF if off and lead == bad else OK for lead in range(2))

    peaks = detect(changed, states=states)
    assert missed(peaks, beats, 6 * RATE_HZ, len(signal) - RATE_HZ) == []
    assert len(peaks) <= len(beats) + 1
    inside = {p.lead for p in peaks if start + 2 * RATE_HZ < p.sample < stop}
    assert inside == {1 - bad if bad == 0 else 0}


def test_a_noisy_second_lead_costs_no_beat(data_dir: Path) -> None:
    signal, beats, truth = record(data_dir, "100", 5)
    noise = wfdb.rdrecord(str(data_dir / "nstdb" / "ma"), sampto=len(signal)).p_signal
    changed = signal.copy()
    changed[:, 1] += 3.0 * noise[:, 0]
    assert errors(score(detect(changed), truth, len(signal))) <= len(beats) // 200


@pytest.mark.parametrize("name", ["109", "119", "215"])
def test_white_noise_in_place_of_the_first_lead_costs_next_to_no_beat(
    data_dir: Path, name: str
) -> None:
    signal, _, truth = record(data_dir, name, 4)
    changed = signal.copy()
    noise = np.random.default_rng(5).standard_normal(len(signal) - MINUTE)
    changed[MINUTE:, 0] = 0.5 * noise
    peaks = detect(changed)
    # the first beats tell that it is noise; from then on R peaks are located in the other lead
    assert errors(score(peaks, truth, len(signal))) <= 3
    late = [p.lead for p in peaks if p.sample > MINUTE + 10 * RATE_HZ]
    assert np.mean(late) > 0.95


def test_a_few_missing_samples_cost_no_beat(data_dir: Path) -> None:
    signal, beats, _ = record(data_dir, "100", 2)
    changed = signal[:, :1].copy()
    for at in range(0, len(changed), 97):
        if np.abs(beats - at).min() > 36:
            changed[at : at + 2] = np.nan
    peaks = detect(changed)
    assert missed(peaks, beats, 6 * RATE_HZ, len(signal) - RATE_HZ) == []
    assert len(peaks) <= len(beats)


# --- what alarms rest on ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noise_mv", "drift_mv"), [(0.0, 0.0), (0.003, 0.015), (0.01, 0.05), (0.05, 0.1)]
)
@pytest.mark.parametrize("name", ["100", "119", "207"])
def test_no_beats_in_asystole(data_dir: Path, name: str, noise_mv: float, drift_mv: float) -> None:
    signal, beats, _ = record(data_dir, name, 3)
    changed = signal[:, :1].copy()
    rng = np.random.default_rng(7)
    start, stop = MINUTE, MINUTE + round(40 * RATE_HZ)
    drift = scipy.signal.lfilter(
        *scipy.signal.butter(1, 0.5, fs=RATE_HZ), rng.standard_normal(stop - start)
    )
    hiss = noise_mv * rng.standard_normal(stop - start)
    changed[start:stop, 0] = changed[start, 0] + hiss + drift_mv * drift / drift.std()
    peaks = detect(changed)
    assert not [p for p in peaks if start + 0.3 * RATE_HZ < p.sample < stop - 0.3 * RATE_HZ]
    assert missed(peaks, beats, stop + 2 * RATE_HZ, len(signal) - RATE_HZ) == []


@pytest.mark.parametrize("factor", [0.5, 0.3, 3.0])
def test_goes_on_when_the_amplitude_changes_suddenly(data_dir: Path, factor: float) -> None:
    signal, beats, _ = record(data_dir, "100", 2)
    changed = signal[:, :1].copy()
    changed[MINUTE:] *= factor
    assert missed(detect(changed), beats, MINUTE + 36, len(signal) - RATE_HZ) == []


@pytest.mark.parametrize("bpm", [30, 60, 150, 220, 300])
def test_follows_any_rate_of_a_narrow_qrs(bpm: int) -> None:
    signal, beats_s = bells(bpm, 40.0)
    peaks = np.array([p.sample for p in detect(signal)]) / RATE_HZ
    inside = beats_s[beats_s > 6.0]
    assert all(np.abs(peaks - b).min() < 0.05 for b in inside)
    assert len(peaks) <= len(beats_s)


def simulated_vt(
    bpm: float, form: int, leads: tuple[str, ...], seed: int = 0
) -> tuple[Signal, NDArray[np.int64], NDArray[np.int64]]:
    """Signal, all beats and those of the VT: 12 s of it after 15 s of sinus rhythm."""
    segments = (
        Segment("sinus", 15.0, 70.0),
        Segment("vt", 12.0, bpm, forms=(form,)),
        Segment("sinus", 8.0),
    )
    simulator = Simulator(
        Scenario("vt", "VT", segments), rate_hz=RATE_HZ, leads=leads, seed=seed, keep_truth=True
    )
    signal = np.concatenate([chunk.values_mv for chunk in simulator.chunks()])
    beats = np.array([beat.sample for beat in simulator.truth.beats])
    symbols = np.array([beat.symbol for beat in simulator.truth.beats])
    return signal, beats, beats[symbols == "V"]


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize("leads", [("II", "V1"), ("II",)], ids=["two", "one"])
@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("bpm", [150, 170, 195, 206])
def test_finds_every_beat_of_vt_but_the_first_two(
    bpm: int, form: int, leads: tuple[str, ...], sign: float
) -> None:
    signal, beats, ventricular = simulated_vt(bpm, form, leads)
    peaks = detect(sign * signal)
    assert missed(peaks, ventricular, ventricular[2], len(signal)) == []
    false = [p.sample for p in peaks if np.abs(beats - p.sample).min() > 0.15 * RATE_HZ]
    assert false == []


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["upright", "inverted"])
@pytest.mark.parametrize(("bpm", "form"), [(150, 3), (170, 2), (170, 3), (206, 2)])
def test_vt_unlike_any_beat_before_is_found_from_its_eighth_beat_on(
    bpm: int, form: int, sign: float
) -> None:
    for seed in (0, 1):
        signal, _, ventricular = simulated_vt(bpm, form, ("II", "V1"), seed)
        assert missed(detect(sign * signal), ventricular, ventricular[7], len(signal)) == []


@pytest.mark.parametrize("leads", [("II", "V5"), ("I", "II"), ("V2", "V5"), ("I", "V1")])
@pytest.mark.parametrize(("seed", "rate_hz"), [(13, 500.0), (14, 128.0)])
@pytest.mark.parametrize("name", ["vt", "vt_206"])
def test_vt_is_found_within_seconds_on_any_pair_of_leads(
    name: str, leads: tuple[str, ...], seed: int, rate_hz: float
) -> None:
    simulator = Simulator(name, rate_hz=rate_hz, leads=leads, seed=seed, keep_truth=True)
    signal = np.concatenate([chunk.values_mv for chunk in simulator.chunks()])
    peaks = np.array([p.sample for p in detect(signal, rate_hz)])
    beats = np.array([b.sample for b in simulator.truth.beats if b.symbol == "V"])
    later = beats[(beats > beats[0] + 2.5 * rate_hz) & (beats < len(signal) - rate_hz)]
    assert len(later) > 40
    assert [b / rate_hz for b in later if np.abs(peaks - b).min() > 0.1 * rate_hz] == []


@pytest.mark.parametrize("name", ["203", "223"])
def test_looks_back_while_everything_is_in_doubt_but_not_far(data_dir: Path, name: str) -> None:
    signal, _, _ = record(data_dir, name, 5)
    noise = np.random.default_rng(0).standard_normal(signal.shape)
    peaks = detect(signal + 0.7 * noise)
    age_s = max(p.decided_sample - p.sample for p in peaks) / RATE_HZ
    assert 1.0 < age_s < 4.0


def test_lives_through_fibrillation_and_comes_back(data_dir: Path) -> None:
    signal, beats, _ = record(data_dir, "100", 3)
    changed = signal[:, :1].copy()
    rng = np.random.default_rng(3)
    start, stop = MINUTE, MINUTE + round(30 * RATE_HZ)
    waves = scipy.signal.lfilter(
        *scipy.signal.butter(2, (3.0, 7.0), "bandpass", fs=RATE_HZ),
        rng.standard_normal(stop - start),
    )
    changed[start:stop, 0] = 0.6 * waves / waves.std()
    assert missed(detect(changed), beats, stop + 2 * RATE_HZ, len(signal) - RATE_HZ) == []
