"""Where keys lead: what is chosen is held by name."""

from dataclasses import replace

import pytest
from ward_parts import alarm

from monitor.dashboard.bed_keys import changed
from monitor.dashboard.events import Event
from monitor.dashboard.keys import Action
from monitor.dashboard.navigation import Place, View, in_events, in_ward
from monitor.dashboard.trends import SPANS_S
from monitor.dashboard.view import Display
from monitor.dashboard.ward import Grid

ORDER = tuple(f"bed-{number}" for number in range(1, 33))
GRID = Grid(3, 4, 26, 5, 3)


def moved(place: Place, *actions: Action) -> Place:
    for action in actions:
        place = in_ward(place, action, ORDER, GRID)
    return place


def test_several_streams_open_the_ward_one_its_bed():
    assert Place().view_of(0) is View.BED
    assert Place().view_of(1) is View.BED
    assert Place().view_of(2) is View.WARD
    assert Place(view=View.BED).view_of(64) is View.BED


@pytest.mark.parametrize(
    ("actions", "chosen"),
    [
        ([], ""),
        ([Action.DOWN], "bed-1"),
        ([Action.RIGHT, Action.RIGHT], "bed-2"),
        ([Action.RIGHT, Action.NEXT_STREAM], "bed-2"),
        ([Action.RIGHT, Action.DOWN], "bed-4"),
        ([Action.RIGHT, Action.LEFT], "bed-1"),
        ([Action.RIGHT, Action.UP], "bed-1"),
        ([Action.PAGE_DOWN, Action.RIGHT], "bed-13"),
        ([Action.PAGE_DOWN, Action.PAGE_DOWN, Action.PAGE_DOWN, Action.RIGHT], "bed-25"),
        ([Action.RIGHT, Action.PAGE_DOWN], "bed-13"),
        ([Action.RIGHT, *4 * [Action.PAGE_DOWN]], "bed-32"),
        ([Action.RIGHT, Action.BACK], ""),
        ([Action.RIGHT, Action.PAGE_DOWN, Action.FIRST], ""),
    ],
)
def test_moves_in_the_ward(actions, chosen):
    assert moved(Place(), *actions).chosen == chosen


def test_a_page_is_turned_without_choosing():
    place = moved(Place(), Action.PAGE_DOWN, Action.PAGE_DOWN, Action.PAGE_DOWN)
    assert (place.page, place.chosen) == (2, "")
    assert moved(place, Action.PAGE_UP).page == 1
    assert moved(place, Action.FIRST).page == 0


def test_the_chosen_stays_chosen_when_the_order_changes():
    place = moved(Place(), Action.RIGHT, Action.RIGHT)
    other = ("bed-31", "bed-2", *(name for name in ORDER if name not in ("bed-31", "bed-2")))
    assert in_ward(place, Action.RIGHT, other, GRID).chosen == "bed-1"
    assert in_ward(place, Action.LEFT, other, GRID).chosen == "bed-31"


def test_without_streams_nothing_moves():
    assert in_ward(Place(), Action.RIGHT, (), GRID) == Place()


EVENTS = [Event(("bed-1", n, n), alarm(number=n), 0) for n in range(9, 0, -1)]


def test_moves_in_the_list():
    place = Place(event=EVENTS[0].key)
    place = in_events(place, Action.DOWN, EVENTS, 4)
    assert place.event == EVENTS[1].key
    newer = [Event(("bed-2", 1, 10), alarm("bed-2"), 0), *EVENTS]
    assert in_events(place, Action.DOWN, newer, 4).event == EVENTS[2].key
    assert in_events(place, Action.PAGE_DOWN, EVENTS, 4).event == EVENTS[5].key
    assert in_events(place, Action.PAGE_UP, EVENTS, 4).event == EVENTS[0].key
    assert in_events(place, Action.FIRST, EVENTS, 4).event == EVENTS[0].key
    last = in_events(place, Action.PAGE_DOWN, EVENTS, 100)
    assert last.event == EVENTS[-1].key
    assert in_events(last, Action.DOWN, EVENTS, 4).event == last.event
    assert in_events(Place(), Action.DOWN, [], 4).event is None


def test_a_strip_moves_to_and_fro_and_another_begins_at_its_end():
    place = Place(event=EVENTS[0].key)
    for _ in range(20):
        place = in_events(place, Action.LEFT, EVENTS, 4)
    assert place.back_s == 9.0
    assert in_events(place, Action.RIGHT, EVENTS, 4).back_s == 8.0
    assert in_events(place, Action.DOWN, EVENTS, 4).back_s == 0.0


def test_time_scale_of_the_strip():
    place = in_events(Place(), Action.SLOWER, EVENTS, 4)
    assert place.strip_dots_per_s is None
    scales = []
    for _ in range(6):
        place = in_events(place, Action.FASTER, EVENTS, 4)
        scales.append(place.strip_dots_per_s)
    assert scales == [20, 25, 50, 100, 100, 100]
    for _ in range(5):
        place = in_events(place, Action.SLOWER, EVENTS, 4)
    assert place.strip_dots_per_s is None


def test_spans_go_round():
    display, spans = Display(), []
    for _ in range(len(SPANS_S) + 1):
        display = changed(display, Action.SPAN, 1.0)
        spans.append(display.trend_s)
    assert spans == [*SPANS_S, None]


def test_arrows_at_a_bed_are_gain_and_time():
    display = Display(gain_mv=1.0, dots_per_s=25)
    assert changed(display, Action.UP, 1.0) == replace(display, gain_mv=0.5)
    assert changed(display, Action.DOWN, 1.0) == replace(display, gain_mv=2.0)
    assert changed(display, Action.RIGHT, 1.0) == replace(display, dots_per_s=50)
    assert changed(display, Action.LEFT, 1.0) == replace(display, dots_per_s=20)
    assert changed(display, Action.WARD, 1.0) == display
