"""Measure how soon alarms come, and which heart rate is shown, on the simulator."""

from __future__ import annotations

import dataclasses

from monitor.config import AlarmSettings, Settings
from monitor.messages import Alert, AlertKind, AlertState, Vitals
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Scenario, Segment, Simulator, scenario


def simulated(what: Scenario, seed: int, settings: Settings) -> tuple[list[Alert], list[Vitals]]:
    """Run a scenario through the pipeline."""
    simulator = Simulator(what, seed=seed)
    pipeline = Pipeline(simulator.info, settings)
    events = [event for chunk in simulator.chunks() for event in pipeline.push(chunk)]
    events += pipeline.flush()
    alerts = [event for event in events if isinstance(event, Alert)]
    return alerts, [event for event in events if isinstance(event, Vitals)]


def timing() -> None:
    """Time from an event to its alarm."""
    limits = AlarmSettings(hr_high_bpm=100.0, hr_low_bpm=60.0, extreme_brady_bpm=30.0)
    cases: tuple[tuple[str, AlertKind, Segment], ...] = (
        ("asystole after the last QRS", AlertKind.ASYSTOLE, Segment("asystole", 12.0)),
        ("VT 195 bpm", AlertKind.VT, Segment("vt", 15.0, 195.0)),
        ("VT 206 bpm", AlertKind.VT, Segment("vt", 15.0, 206.0)),
        ("VF", AlertKind.VF, Segment("vf", 15.0)),
        ("HR 80 to 120, limit 100", AlertKind.HR_HIGH, Segment("sinus", 20.0, 120.0, 0.0)),
        ("HR 80 to 40, limit 60", AlertKind.HR_LOW, Segment("sinus", 20.0, 40.0, 0.0)),
    )
    for name, kind, segment in cases:
        delays: list[float] = []
        missed = 0
        for seed in range(8):
            before = Segment("sinus", 30.0 + 0.1 * seed, 80.0, 0.0)
            what = Scenario(f"timing_{seed}", name, (before, segment))
            since, rate_hz = change(what, seed, kind)
            settings = dataclasses.replace(Settings(), alarms=limits)
            alerts, _vitals = simulated(what, seed, settings)
            raised = [a.sample / rate_hz for a in alerts
                      if a.kind is kind and a.state is AlertState.RAISED]  # fmt: skip
            if raised:
                delays.append(raised[0] - since)
            else:
                missed += 1
        spread = f"{min(delays):.1f} to {max(delays):.1f} s" if delays else "never"
        print(f"timing {name}: {spread}, missed {missed} of 8")


def change(what: Scenario, seed: int, kind: AlertKind) -> tuple[float, float]:
    """Give the start of the second rhythm, or the last QRS before it (asystole, rate)."""
    simulator = Simulator(what, seed=seed)
    rate_hz = simulator.info.rate_hz
    start = what.segments[0].duration_s
    beats = [item.sample / rate_hz for _, items in simulator.chunks_with_truth()
             for item in items if hasattr(item, "symbol")]  # fmt: skip
    if kind in (AlertKind.VT, AlertKind.VF):
        return start, rate_hz
    return max(beat for beat in beats if beat <= start + 0.05), rate_hz


def rate() -> None:
    """Heart rate on the irregular waveforms after 20 s."""
    for name, expected in (
        ("ec13_bigeminy", 80),
        ("ec13_slow", 60),
        ("ec13_rapid", 120),
        ("ec13_bidirectional", 90),
    ):
        _alerts, vitals = simulated(scenario(name), 1, Settings())
        shown = {v.heart_rate_bpm for v in vitals[20:-5]}
        print(f"rate {name}: {sorted(map(str, shown))}, expected {expected}")
