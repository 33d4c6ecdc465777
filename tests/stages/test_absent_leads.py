"""A lead that gives no samples is told as soon as one that gives a constant."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.messages import Alert, AlertKind, AlertState, Samples, StreamInfo
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator, simulate

RATE_HZ = 250.0


@pytest.fixture(scope="module")
def clean():
    return simulate(Simulator("sinus", rate_hz=RATE_HZ, leads=("II", "V1"), duration_s=40.0))[0]


def alerts(values, chunk_s=1.0, leads=("II", "V1"), pulse=""):
    pipeline = Pipeline(StreamInfo("s", RATE_HZ, leads, pulse=pulse))
    events = []
    step = round(chunk_s * RATE_HZ)
    for at in range(0, len(values), step):
        events += pipeline.push(Samples("s", at, values[at : at + step]))
    events += pipeline.flush()
    return [e for e in events if isinstance(e, Alert) and e.kind is not AlertKind.LEARNING]


def without(values, leads, spans_s, value=np.nan):
    made = values.copy()
    for begin_s, end_s in spans_s:
        made[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ), leads] = value
    return made


@pytest.mark.parametrize(
    ("leads", "text"),
    [
        ([0], "NO SIGNAL (samples missing) II"),
        ([1], "NO SIGNAL (samples missing) V1"),
        ([0, 1], "NO SIGNAL (samples missing) II, V1: arrhythmia analysis suspended"),
    ],
)
def test_a_lead_without_samples_is_told_when_a_constant_one_is(clean, leads, text):
    told = alerts(without(clean, leads, [(20.0, 30.0)]))
    assert [(a.kind, a.state) for a in told] == [
        (AlertKind.LEAD_OFF, AlertState.RAISED),
        (AlertKind.LEAD_OFF, AlertState.CLEARED),
    ]
    assert told[0].text == text
    assert 20.0 * RATE_HZ <= told[0].onset_sample <= 20.5 * RATE_HZ
    assert 21.0 <= told[0].sample / RATE_HZ <= 22.0
    assert 30.0 < told[1].sample / RATE_HZ <= 33.0
    constant = alerts(without(clean, leads, [(20.0, 30.0)], 0.0))
    assert abs(constant[0].sample - told[0].sample) <= 1.0 * RATE_HZ
    assert alerts(without(clean, leads, [(20.0, 30.0)]), chunk_s=0.07) == told


def test_a_lead_without_samples_from_the_start(clean):
    told = alerts(without(clean, [0], [(0.0, 40.0)]))
    assert [(a.kind, a.state) for a in told] == [(AlertKind.LEAD_OFF, AlertState.RAISED)]
    assert told[0].sample / RATE_HZ < 2.0


def test_samples_that_come_and_go_are_told_once(clean):
    spans = [(20.0 + k * 0.4, 20.2 + k * 0.4) for k in range(25)]
    told = alerts(without(clean, [1], spans))
    assert [(a.kind, a.state) for a in told] == [
        (AlertKind.LEAD_OFF, AlertState.RAISED),
        (AlertKind.LEAD_OFF, AlertState.CLEARED),
    ]
    assert 21.0 <= told[0].sample / RATE_HZ <= 22.5


@pytest.mark.parametrize("length_s", [0.5, 1.0])
@pytest.mark.parametrize("begin_s", [20.0, 20.06, 20.1, 20.15, 20.2])
def test_a_short_want_of_samples_is_not_told(clean, begin_s, length_s):
    assert alerts(without(clean, [0], [(begin_s, begin_s + length_s)])) == []


def test_one_lead_without_samples_and_one_that_is_constant(clean):
    made = without(without(clean, [0], [(20.0, 40.0)]), [1], [(20.0, 40.0)], 0.0)
    told = [a for a in alerts(made) if a.kind is AlertKind.LEAD_OFF]
    assert told[-1].text == (
        "NO SIGNAL (constant line) V1; NO SIGNAL (samples missing) II: "
        "arrhythmia analysis suspended"
    )


def test_a_pulse_without_samples_changes_nothing(clean):
    simulator = Simulator("vt", rate_hz=RATE_HZ, leads=("II", "V1"), duration_s=40.0, pulse=True)
    values = simulate(simulator)[0]
    bare = alerts(values[:, :2])
    assert AlertKind.VT in {a.kind for a in bare}
    nothing = without(values, [2], [(0.0, 40.0)])
    told = alerts(nothing, leads=("II", "V1", "PLETH"), pulse="PLETH")
    assert [replace(a) for a in told] == bare
