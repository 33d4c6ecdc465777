"""Acknowledge against audio pause: what breaks through which."""

from __future__ import annotations

from monitor.config import AlarmSettings
from monitor.messages import Alert, AlertKind, AlertState, Priority
from monitor.stages.alarms.audio import Audio

RATE_HZ = 100.0


def alert(number: int, priority: Priority, state: AlertState = AlertState.RAISED) -> Alert:
    return Alert("s", number, number, AlertKind.VT, priority, state, 0, 0, "")


def audio() -> Audio:
    return Audio(RATE_HZ, AlarmSettings(audio_pause_s=60.0))


def test_the_highest_priority_sounds_until_it_is_acknowledged() -> None:
    sound = audio()
    assert sound.sounding(0) is None
    sound.take(alert(1, Priority.LOW))
    sound.take(alert(2, Priority.HIGH))
    sound.take(alert(2, Priority.HIGH, AlertState.UPDATED))
    assert sound.sounding(0) is Priority.HIGH
    sound.take(alert(2, Priority.HIGH, AlertState.ACKNOWLEDGED))
    assert sound.sounding(0) is Priority.LOW
    sound.take(alert(1, Priority.LOW, AlertState.CLEARED))
    assert sound.sounding(0) is None


def test_what_is_raised_after_acknowledging_sounds() -> None:
    sound = audio()
    sound.take(alert(1, Priority.HIGH))
    sound.take(alert(1, Priority.HIGH, AlertState.ACKNOWLEDGED))
    sound.take(alert(2, Priority.LOW))
    assert sound.sounding(0) is Priority.LOW


def test_a_pause_ends_by_itself() -> None:
    sound = audio()
    sound.take(alert(1, Priority.MEDIUM))
    sound.pause(1000)
    assert sound.sounding(1000) is None
    assert sound.sounding(6999) is None
    assert sound.sounding(7000) is Priority.MEDIUM


def test_only_a_higher_priority_breaks_through_a_pause() -> None:
    sound = audio()
    sound.take(alert(1, Priority.MEDIUM))
    sound.pause(1000)
    sound.take(alert(2, Priority.MEDIUM))
    assert sound.sounding(1100) is None
    sound.take(alert(3, Priority.HIGH))
    assert sound.sounding(1200) is Priority.HIGH
