"""What the ward says on the screen, at any size."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ward_parts import alarm, bed, lines_of, signal

from monitor.dashboard.canvas import Canvas
from monitor.dashboard.event_page import event_page
from monitor.dashboard.event_view import draw_events
from monitor.dashboard.state import DashboardState
from monitor.dashboard.tiles import TileMemory
from monitor.dashboard.view import Display
from monitor.dashboard.ward import ward
from monitor.dashboard.ward_view import EDGE_ROWS, draw_ward
from monitor.feeds.feed import Status
from monitor.messages import AlertState, LeadState, Priority, StreamInfo, Vitals

SIZES = [(80, 24), (120, 40), (200, 60)]


def canvas_of(state, size, *, chosen="", page=0, now_s=0.0, memory=None, display=Display()):  # noqa: B008
    width, height = size
    shown = ward(state, now_s, width, height - EDGE_ROWS, page, chosen)
    memory = TileMemory() if memory is None else memory
    return draw_ward(shown, display, chosen, width, height, now_s, memory)


def text_of(state, size, **settings) -> str:
    return "\n".join(lines_of(canvas_of(state, size, **settings)))


def ward_of(count: int) -> DashboardState:
    state = DashboardState()
    for number in range(1, count + 1):
        bed(state, f"bed-{number}", seconds=6.0)
    return state


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 4, 16, 64])
def test_a_page_of_tiles(size, count):
    state = ward_of(count)
    shown = text_of(state, size)
    lines = shown.splitlines()
    assert (len(lines), {len(line) for line in lines}) == (size[1], {size[0]})
    assert f"{count} stream" in lines[0]
    on_page = len(re.findall(r"\bbed-\d+", "\n".join(lines[1:-2])))
    page = re.search(r"page 1 of (\d+)", lines[0])
    pages = int(page.group(1)) if page else 1
    assert on_page == count if pages == 1 else on_page * (pages - 1) < count <= on_page * pages
    assert shown.count("75 bpm") == on_page
    assert shown.count("no active alarm") == on_page
    assert len(re.findall(r"normal( rhythm)? ", shown)) == on_page
    assert shown.count(" good") == on_page
    assert any("⠀" < character <= "⣿" for character in shown)


@pytest.mark.parametrize("size", SIZES)
def test_an_alarm_is_first_with_its_mark_text_and_age(size):
    state = ward_of(16)
    state.fold(alarm("bed-9", onset=250, sample=1400), 0.0)
    state.fold(alarm("bed-12", priority=Priority.LOW, text="COUPLET", onset=1000), 0.0)
    lines = text_of(state, size).splitlines()
    first, second = lines[1], lines[2]
    assert re.match(r" \*\*\* bed-9 +75 bpm", first)
    assert re.match(r" VT 180 > 100 +5 s", second)
    assert re.search(r" \*   bed-12 +75 bpm", first)
    assert re.search(r" COUPLET +2 s", second)
    assert "*** 1" in lines[0]
    assert " * 1 " in lines[0]


def test_an_acknowledged_alarm_says_so_and_does_not_flash():
    state = ward_of(4)
    state.fold(alarm("bed-2", alert_state=AlertState.ACKNOWLEDGED), 0.0)
    canvases = [canvas_of(state, (120, 40), now_s=at) for at in (0.0, 0.3)]
    assert "ack 1 s" in "\n".join(lines_of(canvases[0]))
    assert (canvases[0].styles == canvases[1].styles).all()
    state.fold(alarm("bed-2", alert_state=AlertState.UPDATED, seq=2), 0.0)
    canvases = [canvas_of(state, (120, 40), now_s=at) for at in (0.0, 0.3)]
    assert (canvases[0].styles[1] != canvases[1].styles[1]).any()


@pytest.mark.parametrize("size", SIZES)
def test_stale_lost_and_lead_off_cannot_be_missed(size):
    state = DashboardState()
    bed(state, "bed-1", now_s=8.0)
    bed(state, "bed-2", now_s=0.0)
    bed(state, "bed-3", now_s=8.0, leads=(LeadState.LEAD_OFF, LeadState.LEAD_OFF), usable=False)
    shown = text_of(state, size, now_s=9.0)
    assert "1 STALE" in shown.splitlines()[0]
    assert "LIVE" not in shown
    assert shown.count("STALE 9 s") == 2  # beside the rhythm, and over the trace
    assert shown.count("LEAD OFF all") == 2
    assert shown.count("75 bpm") == 1
    assert "no signal comes" in shown
    state.fold(Status("bed-1", "no service at tcp://x", lost=True), 9.0)
    shown = text_of(state, size, now_s=9.0)
    assert "NO CONNECTION" in shown.splitlines()[0]
    assert shown.count("NO CONNECTION") == 3


def test_the_trace_of_a_stale_stream_has_another_style_than_a_live_one():
    state = DashboardState()
    bed(state, "bed-1", now_s=8.0)
    bed(state, "bed-2", now_s=0.0)
    canvas = canvas_of(state, (80, 24), now_s=8.5)
    braille = (canvas.characters > 0x2800) & (canvas.characters <= 0x28FF)
    left = {int(s) for s in canvas.styles[:, :40][braille[:, :40]]}
    right = {int(s) for s in canvas.styles[:, 40:][braille[:, 40:]]}
    assert left
    assert right
    assert not left & right


def test_every_priority_reads_without_colour():
    state = ward_of(4)
    for number, priority in enumerate(Priority, 1):
        state.fold(alarm(f"bed-{number}", priority=priority, text=priority.value), 0.0)
    shown = text_of(state, (120, 40))
    marks = dict(re.findall(r"(\*\*\*|\*\*|\*|tec) +(bed-\d) ", shown))
    assert marks == {"***": "bed-1", "**": "bed-2", "*": "bed-3", "tec": "bed-4"}


def test_more_alarms_than_lines_are_counted():
    state = ward_of(4)
    for number in range(1, 8):
        state.fold(alarm("bed-1", number, Priority.LOW, text=f"alarm {number}"), 0.0)
    lines = text_of(state, (80, 24)).splitlines()
    assert re.match(r" alarm 1 +1 s ", lines[2])
    assert re.match(r" \*   alarm 2 +1 s \+5", lines[3])


def test_the_chosen_tile_is_framed():
    state = ward_of(4)
    lines = text_of(state, (80, 24), chosen="bed-2").splitlines()
    assert re.search(r"▶ +bed-2 +75 bpm ◀", lines[1])
    assert sum("┃" in line for line in lines) == 9
    assert "bed-2 is chosen" in lines[-2]
    assert "acknowledge" in lines[-1]
    assert "acknowledge" not in text_of(state, (80, 24)).splitlines()[-1]


def test_traces_sweep_only_a_few_cells_change_from_frame_to_frame():
    state = ward_of(16)
    memory = TileMemory()
    before = canvas_of(state, (200, 60), memory=memory)
    for number in range(1, 17):
        state.fold(signal(1500, 25, f"bed-{number}"), 0.0)
    after = canvas_of(state, (200, 60), memory=memory)
    changed = np.count_nonzero(before.characters != after.characters)
    assert 0 < changed < 200 * 60 / 10


def test_a_tile_that_is_kept_is_drawn_as_one_that_is_new():
    state = ward_of(16)
    memory = TileMemory()
    canvas_of(state, (120, 40), memory=memory)
    state.fold(alarm("bed-7"), 0.0)
    state.fold(StreamInfo("bed-99", 250.0, ("II",)), 0.0)
    kept, new = canvas_of(state, (120, 40), memory=memory), canvas_of(state, (120, 40))
    assert lines_of(kept) == lines_of(new)
    assert (kept.styles == new.styles).all()


def test_a_flat_line_with_noise_stays_flat():
    state = DashboardState()
    bed(state, seconds=4.0)
    noise = np.random.default_rng(0).normal(0, 0.005, (2500, 2)).astype(np.float32)
    state.fold(signal(1000, 0), 0.0)
    flat = signal(1000, 2500)
    flat.values_mv[:] = noise
    state.fold(flat, 0.0)
    lines = lines_of(canvas_of(state, (80, 24)))
    rows = [n for n, line in enumerate(lines) if any("⠀" < c <= "⣿" for c in line[:50])]
    assert len(rows) <= 2


def test_heart_rates_of_the_last_minutes_stand_as_bars_with_their_range():
    state = ward_of(4)
    for second in range(600):
        rate_bpm = 60.0 + second / 10
        state.fold(Vitals("bed-1", second * 250, rate_bpm, 0.8, True, {}, 0), 0.0)
    assert re.search(r" HR +▁+▂.*▄.*█ +6\d-11\d", text_of(state, (80, 24)))


def test_waiting_for_streams():
    shown = text_of(DashboardState(), (80, 24))
    assert "WAITING" in shown
    assert "0 streams" in shown


def test_too_small_says_so_and_still_shows_alarms():
    state = ward_of(4)
    state.fold(alarm("bed-3"), 0.0)
    shown = text_of(state, (60, 20))
    assert "terminal too small" in shown
    assert "*** bed-3 VT 180 > 100" in shown


def test_text_from_outside_cannot_reach_the_terminal():
    state = ward_of(4)
    state.fold(alarm("bed-3", text="\x1b[2J\x07evil\n心"), 0.0)
    shown = text_of(state, (80, 24))
    assert "?[2J?evil??" in shown
    assert "\x1b" not in shown


def test_changes_of_a_canvas_are_the_cells_that_differ():
    before, after = Canvas(60, 3), Canvas(60, 3)
    after.text(1, 2, "ab")
    after.text(1, 50, "c")
    after.text(2, 0, "x", "bold")
    before.text(2, 0, "x")
    found = [
        (row, column, "".join(segment.text for segment in segments))
        for row, column, segments in after.changes(before)
    ]
    assert found == [(1, 2, "ab"), (1, 50, "c"), (2, 0, "x")]
    assert after.changes(after) == []


WARDS = {count: ward_of(count) for count in (0, 1, 7, 64)}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(WARDS)),
    st.integers(1, 260),
    st.integers(1, 80),
    st.floats(0, 1e4),
    st.booleans(),
)
def test_frames_have_exactly_the_size_of_the_terminal(count, width, height, now_s, over):
    state, display = WARDS[count], Display(help=over)
    for lines in (
        lines_of(canvas_of(state, (width, height), now_s=now_s, display=display)),
        lines_of(draw_events(event_page(state, now_s, "", None), display, width, height, {})),
    ):
        assert len(lines) == height
        assert {len(line) for line in lines} == {width}
        assert all(line.isprintable() for line in lines)
