"""Keys to actions; when the bell sounds."""

from dataclasses import replace

import pytest

from monitor.dashboard.bell import PAUSE_S, REPEAT_S, Bell
from monitor.dashboard.keys import HELP, Action, actions
from monitor.messages import Alert, AlertKind, AlertState, Priority


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (b"q", [Action.QUIT]),
        (b" ", [Action.PAUSE]),
        (b"a", [Action.ACKNOWLEDGE]),
        (b"+-0", [Action.GAIN_UP, Action.GAIN_DOWN, Action.GAIN_AUTO]),
        (b"[]", [Action.SLOWER, Action.FASTER]),
        (b"n\t", [Action.NEXT_STREAM, Action.NEXT_STREAM]),
        (b"l", [Action.NEXT_LEAD]),
        (b"m", [Action.SWEEP]),
        (b"s", [Action.BELL]),
        (b"?", [Action.HELP]),
        (b"\x1b[A\x1b[D\x1bOB", [Action.UP, Action.LEFT, Action.DOWN]),
        (b"\x1b[5~\x1b[6~\x1b[H", [Action.PAGE_UP, Action.PAGE_DOWN, Action.FIRST]),
        (b"wet\r\n", [Action.WARD, Action.EVENTS, Action.SPAN, Action.OPEN, Action.OPEN]),
        (b"\x1b[1;5Aq", [Action.QUIT]),  # control-up is not up
        (b"\x1bOPq", [Action.QUIT]),  # F1
        (b"\x1b", [Action.BACK]),
        (b"\x1b[", []),
        (b"\x1bq", []),  # alt-q is not q
        ("äxyz".encode(), []),
        (b"", []),
    ],
)
def test_keys(typed, expected):
    assert actions(typed) == expected


def test_every_action_but_none_other_has_a_key_in_the_help():
    reachable = {a for keys, _ in HELP for key in keys.split() for a in actions(_typed(key))}
    assert reachable == set(Action)


def _typed(key: str) -> bytes:
    names = {
        "space": b" ",
        "tab": b"\t",
        "enter": b"\r",
        "esc": b"\x1b",
        "pgup": b"\x1b[5~",
        "pgdn": b"\x1b[6~",
        "home": b"\x1b[H",
        "↑": b"\x1b[A",
        "↓": b"\x1b[B",
        "→": b"\x1b[C",
        "←": b"\x1b[D",
    }
    return names.get(key, key.encode())


def alert(priority: Priority, state: AlertState = AlertState.RAISED, number: int = 1) -> Alert:
    return Alert("bed1", number, 1, AlertKind.VT, priority, state, 0, 0, "")


@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.MEDIUM])
def test_bell_repeats_until_acknowledged(priority):
    bell = Bell()
    assert bell.due([alert(priority)], 100.0)
    assert not bell.due([alert(priority)], 100.1)
    assert not bell.due([alert(priority)], 99.9 + REPEAT_S[priority])
    assert bell.due([alert(priority)], 100.0 + REPEAT_S[priority])
    assert not bell.due([alert(priority, AlertState.ACKNOWLEDGED)], 200.0)


@pytest.mark.parametrize("kind", ["stream_stale", "stream_refused", "analysis_failed"])
def test_the_loss_of_monitoring_sounds_until_acknowledged(kind):
    lost = replace(alert(Priority.TECHNICAL), kind=AlertKind(kind))
    bell = Bell()
    assert bell.due([lost], 100.0)
    assert not bell.due([lost], 119.0)
    assert bell.due([lost], 100.0 + REPEAT_S[Priority.MEDIUM])
    assert not bell.due([replace(lost, state=AlertState.ACKNOWLEDGED)], 200.0)


def test_a_second_alert_is_heard_at_once():
    bell = Bell()
    assert bell.due([alert(Priority.HIGH)], 100.0)
    assert bell.due([alert(Priority.HIGH), alert(Priority.MEDIUM, number=2)], 100.1)


def test_a_pause_silences_what_is_there_and_ends_by_itself():
    bell, there = Bell(), [alert(Priority.MEDIUM)]
    bell.pause(there, 100.0)
    assert bell.paused_for_s(101.0) == PAUSE_S - 1.0
    assert not bell.due(there, 101.0)
    assert not bell.due([*there, alert(Priority.MEDIUM, number=2)], 150.0)
    assert bell.due(there, 100.0 + PAUSE_S)


def test_only_a_higher_priority_breaks_through_a_pause():
    bell, there = Bell(), [alert(Priority.MEDIUM)]
    bell.pause(there, 100.0)
    assert bell.due([*there, alert(Priority.HIGH, number=2)], 110.0)
    assert bell.paused_for_s(110.0) == 0.0
    bell = Bell()
    bell.pause([alert(Priority.HIGH)], 100.0)
    assert not bell.due([alert(Priority.HIGH, number=2)], 110.0)


def test_a_pause_can_be_ended():
    bell = Bell()
    bell.pause([], 100.0)
    bell.pause([], 101.0)
    assert bell.due([alert(Priority.HIGH)], 101.0)


@pytest.mark.parametrize("priority", [Priority.LOW, Priority.TECHNICAL])
def test_lower_priorities_are_silent(priority):
    assert not Bell().due([alert(priority)], 0.0)
