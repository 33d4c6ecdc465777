"""The score of fast runs: what is known of a run, and what it makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from alarm_beats import RATE_HZ, hops, physiological, run, steady
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.messages import AamiClass, AlertKind, Beat, Samples
from monitor.stages.alarms.run_weights import BIAS, TABLE
from monitor.stages.alarms.runs import CLIP, FEATURES, features, is_ventricular, probability
from monitor.stages.alarms.shapes import Shapes


def beat(sample: int, v: float) -> Beat:
    label = AamiClass.V if v > 0.5 else AamiClass.N
    return Beat("bed1", sample, sample, label, (1.0 - v, 0.0, v, 0.0, 0.0), None, 0, "made")


def judged(
    rate_hz: float, v: float, width_s: float, noise_mv: float = 0.0, sign: float = 1.0
) -> tuple[np.ndarray, float]:
    """Eight narrow beats at 0.8 s, then five of a width at 0.45 s: features and probability."""
    at_s = [1.0 + 0.8 * i for i in range(8)] + [7.05 + 0.45 * i for i in range(5)]
    t = np.arange(round(9.4 * rate_hz)) / rate_hz
    x = sum(np.exp(-0.5 * ((t - at) / 0.012) ** 2) for at in at_s[:8])
    x = x + sign * sum(np.exp(-0.5 * ((t - at) / width_s) ** 2) for at in at_s[8:])
    x = x + noise_mv * np.random.default_rng(1).normal(size=len(t))
    shapes = Shapes(rate_hz)
    start, made = 0, []
    for i, at in enumerate(at_s):
        end = round((at + 0.25) * rate_hz)
        shapes.push(Samples("bed1", start, x[start:end, None].astype(np.float32)))
        start = end
        made.append(beat(round(at * rate_hz), v if i >= 8 else 0.0))
        shapes.take(made[-1])
    known = features(made[8:], 5 if v > 0.5 else 0, shapes)
    return known, probability(known)


def test_what_is_known_of_a_run() -> None:
    known = dict(zip(FEATURES, judged(250.0, 0.9, 0.04)[0].tolist(), strict=True))
    assert known["v_least"] == known["v_second"] == pytest.approx(0.9)
    assert known["n_most"] == known["n_mean"] == pytest.approx(0.1)
    assert known["v_row"] == 5
    # a Gaussian of 40 ms is 0.3 times as steep as one of 12 ms
    assert known["slope_change"] == pytest.approx(np.log(0.3), abs=0.06)
    assert 0.3 < known["usual"] < 0.8
    same = dict(zip(FEATURES, judged(250.0, 0.0, 0.012)[0].tolist(), strict=True))
    assert same["usual"] == pytest.approx(1.0, abs=0.01)
    assert same["slope_change"] == pytest.approx(0.0, abs=0.02)


def test_shapes_are_known_alike_whatever_the_sampling_rate() -> None:
    reference, _ = judged(250.0, 0.9, 0.04)
    for rate_hz in (125.0, 360.0, 500.0, 1000.0):
        assert np.abs(judged(rate_hz, 0.9, 0.04)[0] - reference).max() < 0.08, rate_hz


def test_the_score_rises_with_the_labels_and_falls_with_noise_and_likeness() -> None:
    odds = [judged(250.0, v, 0.04)[1] for v in (0.02, 0.3, 0.7, 0.98)]
    assert odds == sorted(odds)
    assert odds[0] < 0.2
    assert odds[-1] > 0.9
    wide = judged(250.0, 0.6, 0.04, sign=-1.0)[1]
    assert judged(250.0, 0.6, 0.04, noise_mv=0.2, sign=-1.0)[1] < wide
    assert judged(250.0, 0.6, 0.012)[1] < wide


def test_what_is_not_known_decides_nothing() -> None:
    known, sure = judged(250.0, 0.9, 0.04)
    few = np.where(np.arange(len(known)) >= 5, np.nan, known)
    labels = sum(
        weight * min(max((value - mean) / scale, -CLIP), CLIP)
        for value, (_, mean, scale, weight) in zip(known[:5], TABLE, strict=False)
    )
    assert probability(few) == pytest.approx(1.0 / (1.0 + np.exp(-labels - BIAS)))
    empty = features([beat(100 * i, 1.0) for i in range(5)], 5, Shapes(RATE_HZ))
    assert np.isnan(empty[5:]).all()
    assert probability(empty) > 0.9
    assert sure > 0.9


def test_a_scaled_feature_is_kept_within_bounds() -> None:
    known, _ = judged(250.0, 0.9, 0.04)
    known[-1] = 1e9
    assert 0.0 < probability(known) < 1.0


def test_the_shipped_weights_are_of_these_features() -> None:
    assert tuple(name for name, *_ in TABLE) == FEATURES
    assert min(scale for _, _, scale, _ in TABLE) > 0.0


def test_a_fast_run_of_normal_beats_is_no_vt() -> None:
    assert AlertKind.VT not in physiological(run(hops(steady(150, 0.5, 30), 30)))
    assert AlertKind.VT in physiological(run(hops(steady(150, 0.5, 30, "V"), 30)))
    assert AlertKind.VT not in physiological(run(hops(steady(95, 0.5, 30, "V"), 30)))


@settings(max_examples=300, deadline=None)
@given(
    labels=st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5),
    of_signal=st.tuples(
        st.one_of(st.just(np.nan), st.floats(-1.0, 1.0)),
        st.one_of(st.just(np.nan), st.floats(-20.0, 20.0)),
        st.one_of(st.just(np.nan), st.floats(0.0, 9.0)),
    ),
    least=st.floats(0.05, 0.95),
)
def test_what_cannot_decide_is_not_asked_for(labels, of_signal, least) -> None:
    asked = []

    class Told:
        def likeness_to_usual(self, run):
            asked.append("usual")
            return of_signal[0]

        def slope_change(self, run):
            asked.append("slope_change")
            return of_signal[1]

        def roughness(self):
            asked.append("steep")
            return of_signal[2]

    made = [beat(100 * i, v) for i, v in enumerate(labels)]
    expected = probability(features(made, 2, Told())) >= least
    asked.clear()
    assert is_ventricular(made, 2, Told(), least) == expected
    assert not expected or len(asked) == 3


def test_of_a_run_that_is_surely_normal_the_shape_is_not_asked_for(monkeypatch) -> None:
    monkeypatch.setattr(Shapes, "likeness_to_usual", lambda *_: pytest.fail("asked for"))
    made = [beat(100 * i, 0.0) for i in range(5)]
    assert not is_ventricular(made, 0, Shapes(RATE_HZ), 0.9)
