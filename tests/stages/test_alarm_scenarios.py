"""What the whole analysis must not make of the simulated patient, and what it must."""

from __future__ import annotations

import pytest

from monitor.messages import Alert, AlertKind, AlertState
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator

K = AlertKind


def raised(name: str, seed: int = 1) -> set[AlertKind]:
    simulator = Simulator(name, seed=seed)
    pipeline = Pipeline(simulator.info)
    events = [event for chunk in simulator.chunks() for event in pipeline.push(chunk)]
    events += pipeline.flush()
    alerts = [event for event in events if isinstance(event, Alert)]
    return {alert.kind for alert in alerts if alert.state is AlertState.RAISED} - {K.LEARNING}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed", "expected"),
    [
        ("noise", 2, set()),  # of motion noise: no couplets, runs or forms
        ("noise", 4, set()),
        ("asystole", 1, {K.PAUSE, K.ASYSTOLE}),  # its pause is no heart rate when beats return
        ("hr_80_120", 1, set()),  # beats that come faster are no supraventricular ectopy
        ("gap", 1, {K.SAMPLES_LOST}),
        ("bigeminy", 1, {K.BIGEMINY, K.PVCS_PER_MIN}),
    ],
)
def test_scenario(name: str, seed: int, expected: set[AlertKind]) -> None:
    assert raised(name, seed) == expected
