"""A pacing pulse that captures nothing, and one that does not come."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alarm_beats import HOP, RATE_HZ, hops, physiological, raised, run, steady

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.messages import AlertKind
from monitor.stages.hop import Hop, PacingPulse

PACER = {AlertKind.NO_CAPTURE, AlertKind.NO_PACING}


def paced(made: list[Hop], at_s: list[float], found: bool = True) -> list[Hop]:
    pulses = [PacingPulse(round(t * RATE_HZ), 2.0) for t in at_s]
    starts = [hop.block.start_sample for hop in made]
    own = [tuple(p for p in pulses if start <= p.sample < start + HOP) for start in starts]
    pairs = zip(made, own, strict=True)
    return [replace(hop, pacing_pulses=each, paced=found) for hop, each in pairs]


def test_captured_pulses_raise_nothing() -> None:
    beats = steady(70, 0.5, 40)
    made = paced(hops(beats, 40), [t - 0.1 for t, _ in beats])
    assert not PACER & physiological(run(made))


def test_two_pulses_without_a_qrs_are_told() -> None:
    beats = steady(70, 0.5, 20)
    rr_s = 60.0 / 70.0
    at = [t - 0.1 for t, _ in beats]
    lost = [at[-1] + rr_s * k for k in (1, 2)]
    after = [(t + 2 * rr_s, label) for t, label in steady(70, beats[-1][0] + rr_s, 40)]
    made = paced(hops(beats + after, 40), at + lost + [t - 0.1 for t, _ in after])
    alarm = raised(run(made))[AlertKind.NO_CAPTURE]
    assert alarm.onset_sample == round(lost[0] * RATE_HZ)
    assert alarm.text == "NO CAPTURE no QRS within 0.3 s of 2 pulses"
    assert (alarm.sample + 1) / RATE_HZ - lost[1] == pytest.approx(0.8, abs=HOP / RATE_HZ)


def test_a_pulse_in_the_refractory_time_cannot_capture() -> None:
    beats = steady(70, 0.5, 40)
    made = paced(hops(beats, 40), [t + 0.2 for t, _ in beats])
    assert AlertKind.NO_CAPTURE not in physiological(run(made))


def test_a_pacemaker_that_is_silent_is_told() -> None:
    beats = steady(70, 0.5, 20)
    after = steady(70, beats[-1][0] + 2.6, 40)
    at = [t - 0.1 for t, _ in beats + after]
    alarm = raised(run(paced(hops(beats + after, 40), at)))[AlertKind.NO_PACING]
    assert alarm.text == "NO PACING no pulse for 1.5 > 1.5 s"
    assert alarm.onset_sample == round(beats[-1][0] * RATE_HZ)


def test_only_a_paced_patient_has_them() -> None:
    beats = steady(70, 0.5, 20)
    after = steady(70, beats[-1][0] + 2.6, 40)
    made = paced(hops(beats + after, 40), [1.0, 2.0], found=False)
    assert not PACER & physiological(run(made))
    assert AlertKind.NO_PACING in physiological(run(made, AlarmSettings(paced="yes")))
    made = paced(made, [1.0, 2.0], found=True)
    assert not PACER & physiological(run(made, AlarmSettings(paced="no")))


def test_asystole_covers_them() -> None:
    beats = steady(70, 0.5, 20)
    made = paced(hops(beats, 40), [0.4 + 6.0 / 7.0 * k for k in range(45)])
    alerts = run(made)
    assert AlertKind.ASYSTOLE in raised(alerts)
    last = [a for a in alerts if a.kind is AlertKind.NO_CAPTURE][-1]
    assert last.text.endswith("(covered by a worse alarm)")


def test_paced_is_yes_no_or_auto() -> None:
    with pytest.raises(MonitorError, match="must be auto, yes or no"):
        AlarmSettings(paced="maybe")
