"""The order of the ward, its pages, and what is said of each signal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ward_parts import alarm, bed, signal

from monitor.dashboard.signal_state import Signal, signal_of
from monitor.dashboard.state import DashboardState
from monitor.dashboard.ward import Grid, ward, ward_order
from monitor.feeds.feed import Status
from monitor.messages import AlertKind, AlertState, End, LeadState, Priority, StreamInfo

SIZE = (200, 57)


def test_the_worst_comes_first():
    state = DashboardState()
    for number in range(1, 11):
        bed(state, f"bed-{number}")
    state.fold(alarm("bed-3", priority=Priority.TECHNICAL, text="LEAD OFF"), 0.0)
    state.fold(alarm("bed-10", priority=Priority.LOW), 0.0)
    state.fold(alarm("bed-5", alert_state=AlertState.ACKNOWLEDGED), 0.0)
    state.fold(alarm("bed-8"), 0.0)
    state.fold(alarm("bed-2", priority=Priority.MEDIUM), 0.0)
    state.fold(alarm("bed-7", kind=AlertKind.STREAM_STALE, priority=Priority.TECHNICAL), 0.0)
    order = ward_order(state, 0.0)
    assert order[:6] == ("bed-8", "bed-5", "bed-2", "bed-7", "bed-10", "bed-3")
    assert order[6:] == ("bed-1", "bed-4", "bed-6", "bed-9")


def test_a_stream_without_samples_or_service_stands_with_the_medium_ones():
    state = DashboardState()
    bed(state, "bed-1")
    bed(state, "bed-2", now_s=4.0)
    bed(state, "bed-3", now_s=4.0)
    state.fold(alarm("bed-2", priority=Priority.LOW), 4.0)
    assert ward_order(state, 5.0) == ("bed-1", "bed-2", "bed-3")
    state.fold(Status("bed-3", "no service", lost=True), 5.0)
    assert ward_order(state, 5.0) == ("bed-1", "bed-3", "bed-2")


def test_equals_keep_their_places_when_a_new_alarm_comes():
    state = DashboardState()
    for number in range(1, 6):
        bed(state, f"bed-{number}")
        state.fold(alarm(f"bed-{number}", priority=Priority.LOW), 0.0)
    before = ward_order(state, 0.0)
    state.fold(alarm("bed-4", 2, Priority.LOW, onset=2000), 0.0)
    assert ward_order(state, 0.0) == before


@given(st.integers(1, 600), st.integers(80, 400), st.integers(24, 120))
def test_every_stream_has_a_place_inside_the_screen(tiles, width, height):
    grid = Grid.of(tiles, width, height)
    assert grid.per_page * grid.pages >= tiles
    assert grid.per_page * (grid.pages - 1) < tiles
    assert grid.columns * grid.tile_width <= width
    assert grid.rows * grid.tile_height <= height
    assert grid.tile_width >= 25
    assert grid.tile_height >= 5


@pytest.mark.parametrize(
    ("tiles", "size", "shape"),
    [
        (1, (80, 21), (1, 1)),
        (4, (80, 21), (2, 2)),
        (16, (200, 57), (4, 4)),
        (64, (200, 57), (8, 8)),
        (64, (80, 21), (3, 4)),
    ],
)
def test_grids(tiles, size, shape):
    grid = Grid.of(tiles, *size)
    assert (grid.columns, grid.rows) == shape


def test_pages_hold_all_streams_once_and_the_chosen_one_is_shown():
    state = DashboardState()
    for number in range(1, 65):
        bed(state, f"bed-{number}", seconds=4.0)
    seen = []
    for page in range(6):
        shown = ward(state, 0.0, 80, 21, page)
        assert (shown.page, shown.grid.pages) == (page, 6)
        seen += [tile.stream for tile in shown.tiles]
    assert tuple(seen) == ward_order(state, 0.0)
    assert ward(state, 0.0, 80, 21, 99).page == 5
    with_chosen = ward(state, 0.0, 80, 21, 0, "bed-30")
    assert with_chosen.page == 2
    assert "bed-30" in {tile.stream for tile in with_chosen.tiles}
    state.fold(alarm("bed-30"), 0.0)  # it moves to the front, and the page with it
    assert ward(state, 0.0, 80, 21, 0, "bed-30").page == 0


def test_counts_are_of_all_pages():
    state = DashboardState()
    for number in range(1, 65):
        bed(state, f"bed-{number}", seconds=4.0)
    for number in (1, 2, 40):
        state.fold(alarm(f"bed-{number}"), 0.0)
    state.fold(alarm("bed-50", priority=Priority.LOW), 0.0)
    shown = ward(state, 0.0, 80, 21, page=5)
    assert shown.counts == {Priority.HIGH: 3, Priority.LOW: 1}
    assert ward(state, 3.0, 80, 21).unwatched == 64


def signal_words(state: DashboardState, now_s: float = 0.0) -> tuple[Signal, str]:
    return signal_of(state.streams["bed-1"], now_s)


def test_what_is_said_of_the_signal():
    state = DashboardState()
    state.fold(StreamInfo("bed-1", 250.0, ("II", "V1")), 0.0)
    assert signal_words(state)[0] is Signal.WAITING
    state.fold(signal(0, 250), 0.0)
    assert signal_words(state)[0] is Signal.UNANALYSED
    bed(state)
    assert signal_words(state) == (Signal.GOOD, "good")
    bed(state, leads=(LeadState.OK, LeadState.NOISY))
    assert signal_words(state) == (Signal.POOR, "NOISY V1")
    bed(state, leads=(LeadState.LEAD_OFF, LeadState.OK))
    assert signal_words(state) == (Signal.LEAD_OFF, "LEAD OFF II")
    bed(state, leads=(LeadState.LEAD_OFF, LeadState.LEAD_OFF), usable=False)
    assert signal_words(state) == (Signal.LEAD_OFF, "LEAD OFF all")
    bed(state, usable=False)
    assert signal_words(state)[0] is Signal.SUSPENDED
    assert signal_words(state, 12.0) == (Signal.STALE, "STALE 12 s")
    state.fold(Status("bed-1", "no service", lost=True), 12.0)
    assert signal_words(state, 12.0) == (Signal.LOST, "NO CONNECTION")


def test_a_stream_that_has_ended_is_not_stale():
    state = DashboardState()
    bed(state)
    state.fold(End("bed-1", 2500), 0.0)
    assert signal_words(state, 60.0) == (Signal.ENDED, "ENDED")


def test_numbers_of_an_unwatched_stream_are_not_shown_and_ages_go_on():
    state = DashboardState()
    bed(state)
    state.fold(alarm(), 0.0)
    (tile,) = ward(state, 0.0, *SIZE).tiles
    assert (tile.heart_rate_bpm, tile.rhythm, tile.alerts[0][1]) == (75.2, "N", 5.0)
    (tile,) = ward(state, 60.0, *SIZE).tiles
    assert (tile.heart_rate_bpm, tile.rhythm, tile.alerts[0][1]) == (None, None, 65.0)


def test_a_good_lead_is_drawn_when_the_first_is_off():
    state = DashboardState()
    bed(state, leads=(LeadState.LEAD_OFF, LeadState.OK))
    (tile,) = ward(state, 0.0, *SIZE).tiles
    assert tile.lead == "V1"
    assert tile.low_mv[~(tile.low_mv != tile.low_mv)].min() == pytest.approx(-0.6)
