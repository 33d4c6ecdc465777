"""The list of events, the frozen strip, the live trace: on the screen at several sizes."""

import re

import pytest
from ward_parts import alarm, beat, bed, key_in, lines_of, signal, snippet

from monitor.dashboard.event_page import event_page
from monitor.dashboard.event_view import draw_events, list_rows
from monitor.dashboard.state import DashboardState
from monitor.dashboard.view import Display
from monitor.messages import AamiClass, AlertState, Priority

SIZES = [(80, 24), (120, 40), (200, 60)]


def screen(state, size, *, stream="", chosen=None, back_s=0.0, now_s=0.0, rate=None) -> list[str]:
    page = event_page(state, now_s, stream, chosen, back_s)
    return lines_of(draw_events(page, Display(), *size, {}, rate))


def with_event() -> tuple[DashboardState, tuple[str, int, int]]:
    """Two beds; the first has had a V at 1300, and an alert with its strip."""
    state = DashboardState()
    bed(state, "bed-1", seconds=6.0)
    bed(state, "bed-2", seconds=6.0)
    alert = alarm("bed-1", sample=1499)
    state.fold(alert, 0.0)
    state.fold(snippet(alert), 0.0)
    state.fold(beat(1300, "bed-1", AamiClass.V), 0.0)
    state.fold(signal(1500, 2500, "bed-1"), 0.0)
    return state, key_in(state)


def parts(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The list, the strip and the live trace of a screen."""
    strip = next(n for n, line in enumerate(lines) if "FROZEN" in line)
    live = next(n for n, line in enumerate(lines) if re.match("── LIVE|── STALE", line))
    return lines[1:strip], lines[strip:live], lines[live:-2]


@pytest.mark.parametrize("size", SIZES)
def test_list_frozen_strip_and_live_trace(size):
    state, key = with_event()
    lines = screen(state, size, chosen=key)
    assert (len(lines), {len(line) for line in lines}) == (size[1], {size[0]})
    listed, strip, live = parts(lines)
    assert re.match(r"▶\*\*\* bed-1 +VT 180 > 100 +NEW +0:05 +11 s ago ", listed[1])
    assert "*** bed-1: VT 180 > 100" in strip[0]
    assert strip[-1].startswith("RR ms")
    labels = next(line for line in strip if re.search("N +N", line))
    assert labels.split() == ["N", "N", "N", "N", "N", "V"]
    assert "LIVE  bed-1" in live[0]
    for part in (strip, live):
        assert any("⠀" < character <= "⣿" for character in "\n".join(part))
    assert any("▲" in line for line in strip)  # where it began
    for words in ("esc back", "↑↓ event", "e this stream"):
        assert words in lines[-1]


@pytest.mark.parametrize("size", SIZES)
def test_intervals_are_written_between_their_beats(size):
    state, key = with_event()
    _, strip, _ = parts(screen(state, size, chosen=key))
    assert re.findall(r"\d+", strip[-1]) == 5 * ["800"]
    labels = next(line for line in strip if re.search("N +N", line))
    marks = [match.start() for match in re.finditer(r"\|", strip[-1])]
    assert marks == [match.start() for match in re.finditer("[NV]", labels)]


def test_the_strip_stands_still_while_the_live_trace_goes_on():
    state, key = with_event()
    _, strip, live = parts(screen(state, (120, 40), chosen=key))
    state.fold(signal(4000, 500, "bed-1"), 0.0)
    _, strip_later, live_later = parts(screen(state, (120, 40), chosen=key))
    assert strip == strip_later
    assert live != live_later


def test_the_strip_can_be_moved_and_stretched():
    state, key = with_event()
    whole = parts(screen(state, (80, 24), chosen=key))[1]
    back = parts(screen(state, (80, 24), chosen=key, back_s=1.0))[1]
    stretched = parts(screen(state, (80, 24), chosen=key, rate=50))[1]
    assert sum(line.count("N") for line in back[1:]) == 5
    assert "V" not in "".join(back[2:-1])
    assert len(re.findall("800", whole[-1])) == 5
    assert len(re.findall("800", stretched[-1])) < 5


def test_more_events_than_rows_the_chosen_one_is_seen():
    state = DashboardState()
    bed(state)
    for number in range(40):
        state.fold(alarm(number=number, text=f"event {number}"), 0.0)
    chosen = key_in(state, number=20)
    lines = screen(state, (80, 24), chosen=chosen)
    listed, _, _ = parts(lines)
    assert len(listed) - 1 == list_rows(24) == 4
    assert sum("event 20" in line for line in listed) == 1
    assert "20 of 40" in listed[0]


def test_states_in_words():
    state = DashboardState()
    bed(state)
    state.fold(alarm(number=1, text="VT 180 > 100 (ended)", alert_state=AlertState.UPDATED), 0.0)
    state.fold(alarm(number=2, alert_state=AlertState.ACKNOWLEDGED), 0.0)
    state.fold(alarm(number=3, alert_state=AlertState.CLEARED, priority=Priority.LOW), 0.0)
    lines = screen(state, (80, 24), stream="bed-1", chosen=key_in(state, number=3))
    assert "events of bed-1" in lines[0]
    assert [word for line in lines[2:5] for word in line.split() if word in WORDS] == [
        "ended",
        "acknowledged",
        "latched",
    ]
    assert "e all streams" in lines[-1]


WORDS = ("ended", "acknowledged", "latched", "NEW", "active")


def test_a_stream_that_went_stale_is_not_called_live():
    state, key = with_event()
    lines = screen(state, (80, 24), chosen=key, now_s=30.0)
    assert any(line.startswith("── STALE 30 s") for line in lines)
    assert not any("LIVE" in line for line in lines)
    assert "41 s ago" in lines[2]


def test_no_event_and_no_strip_are_said():
    state = DashboardState()
    bed(state)
    assert any("no event yet" in line for line in screen(state, (80, 24)))
    state.fold(alarm(), 0.0)
    shown = "\n".join(screen(state, (80, 24), chosen=key_in(state)))
    assert "the signal of this event is not here" in shown


def test_nothing_known_at_all():
    assert any("no event yet" in line for line in screen(DashboardState(), (80, 24)))
    assert "too small" in "\n".join(screen(DashboardState(), (40, 10)))
