"""The dashboard without a terminal: what its keys do in the ward, at a bed and among events."""

from ward_parts import alarm, bed, lines_of, signal, snippet

from monitor.dashboard.dashboard import Dashboard
from monitor.dashboard.keys import Action
from monitor.dashboard.navigation import View
from monitor.dashboard.state import DashboardState
from monitor.messages import AlertState, Priority


class Asked:
    """A feed that remembers what it was asked."""

    def __init__(self):
        self.acknowledged = []
        self.strips = []

    def acknowledge(self, stream, alert_id):
        self.acknowledged.append((stream, alert_id))

    def fetch_strip(self, stream, alert_id):
        self.strips.append((stream, alert_id))


class Shown:
    """A terminal that keeps the last frame."""

    def __init__(self, size=(80, 24)):
        self._size = size
        self.rung = 0
        self.text = ""

    def size(self):
        return self._size

    def show(self, canvas):
        self.text = "\n".join(lines_of(canvas))

    def bell(self):
        self.rung += 1


def of_beds(count):
    feed, shown = Asked(), Shown()
    dashboard = Dashboard(feed, clock=lambda: 0.0)
    state = DashboardState()
    for number in range(1, count + 1):
        bed(state, f"bed-{number}")
    dashboard.state = state
    dashboard.frame(shown)
    return dashboard, feed, shown


def press(dashboard, shown, *keys):
    for key in keys:
        dashboard.act(key)
    dashboard.frame(shown)
    return shown.text


def test_one_stream_is_shown_alone_several_as_a_ward():
    dashboard, _, shown = of_beds(1)
    assert dashboard.view is View.BED
    dashboard, _, shown = of_beds(2)
    assert dashboard.view is View.WARD
    assert "2 streams" in shown.text


def test_acknowledging_in_the_ward_needs_a_choice():
    dashboard, feed, shown = of_beds(4)
    dashboard.deliver(alarm("bed-3"))
    text = press(dashboard, shown, Action.ACKNOWLEDGE)
    assert feed.acknowledged == []
    assert "choose a stream with the arrow keys first" in text
    text = press(dashboard, shown, Action.RIGHT, Action.ACKNOWLEDGE)
    assert feed.acknowledged == [("bed-3", None)]
    assert "bed-3 is chosen" in text


def test_what_is_acknowledged_is_what_was_chosen_whatever_comes_first_by_then():
    dashboard, feed, shown = of_beds(4)
    press(dashboard, shown, Action.RIGHT)  # bed-1
    dashboard.deliver(alarm("bed-4"))
    press(dashboard, shown, Action.ACKNOWLEDGE)
    assert feed.acknowledged == [("bed-1", None)]


def test_from_the_ward_to_a_bed_and_back():
    dashboard, _, shown = of_beds(4)
    text = press(dashboard, shown, Action.RIGHT, Action.DOWN, Action.OPEN)
    assert dashboard.view is View.BED
    assert "bed-3 (3/4)" in text
    text = press(dashboard, shown, Action.NEXT_STREAM)
    assert "bed-4 (4/4)" in text
    text = press(dashboard, shown, Action.BACK)
    assert dashboard.view is View.WARD
    assert "bed-3 is chosen" in text


def test_a_paused_picture_runs_again_elsewhere():
    dashboard, _, shown = of_beds(2)
    text = press(dashboard, shown, Action.RIGHT, Action.OPEN, Action.PAUSE)
    assert "PAUSED" in text
    press(dashboard, shown, Action.WARD)
    text = press(dashboard, shown, Action.OPEN)
    assert "PAUSED" not in text


def test_events_of_all_streams_and_of_one():
    dashboard, feed, shown = of_beds(3)
    for number, stream in enumerate(("bed-1", "bed-2", "bed-2"), 1):
        dashboard.deliver(alarm(stream, number, text=f"event {number}", onset=number))
        dashboard.deliver(snippet(alarm(stream, number)))
    text = press(dashboard, shown, Action.EVENTS)
    assert "events of all streams" in text
    assert "▶*** bed-2           event 3" in text
    text = press(dashboard, shown, Action.DOWN, Action.DOWN)
    assert "▶*** bed-1           event 1" in text
    press(dashboard, shown, Action.ACKNOWLEDGE)
    assert feed.acknowledged == [("bed-1", 1)]  # this one, not all of its stream
    text = press(dashboard, shown, Action.BACK, Action.RIGHT, Action.RIGHT, Action.EVENTS)
    assert "events of bed-2" in text
    assert "event 1" not in text
    text = press(dashboard, shown, Action.EVENTS)
    assert "events of all streams" in text
    text = press(dashboard, shown, Action.OPEN)
    assert dashboard.view is View.BED
    assert "bed-2 (2/3)" in text


def test_a_chosen_event_stays_chosen_when_another_comes():
    dashboard, _, shown = of_beds(2)
    dashboard.deliver(alarm("bed-1", 1, text="first"))
    press(dashboard, shown, Action.EVENTS)
    dashboard.deliver(alarm("bed-2", 1, text="second"))
    text = press(dashboard, shown)
    assert "▶*** bed-1           first" in text
    assert "bed-2           second" in text


def test_a_strip_from_before_is_asked_for_once_and_shown_when_it_comes():
    dashboard, feed, shown = of_beds(2)
    dashboard.deliver(alarm("bed-1", 7))
    dashboard.deliver(alarm("bed-1", 8, Priority.TECHNICAL, sample=99_000))
    press(dashboard, shown, Action.EVENTS)
    assert feed.strips == []  # none is published with a technical alert
    for _ in range(3):
        text = press(dashboard, shown, Action.DOWN)
    assert feed.strips == [("bed-1", 7)]
    assert "it has been asked for" in text
    dashboard.deliver(snippet(alarm("bed-1", 7)))
    text = press(dashboard, shown)
    assert "RR ms" in text
    assert "asked for" not in text


def test_the_bell_sounds_for_every_stream_in_every_view():
    dashboard, _, shown = of_beds(3)
    dashboard.deliver(alarm("bed-3"))
    press(dashboard, shown)
    assert shown.rung == 1
    press(dashboard, shown, Action.RIGHT, Action.OPEN)
    dashboard.deliver(alarm("bed-1", 2))
    press(dashboard, shown)
    assert shown.rung == 2
    press(dashboard, shown, Action.EVENTS)
    dashboard.deliver(alarm("bed-2", 2))
    press(dashboard, shown)
    assert shown.rung == 3
    text = press(dashboard, shown, Action.BELL)
    assert "BELL PAUSED" in text
    for view in (Action.WARD, Action.OPEN):
        assert "BELL PAUSED" in press(dashboard, shown, view)


def test_the_help_is_over_every_view_and_esc_takes_it_away():
    dashboard, _, shown = of_beds(2)
    for key in (Action.WARD, Action.EVENTS, Action.OPEN):
        text = press(dashboard, shown, key, Action.HELP)
        assert "the ward: all streams, the worst first" in text
        text = press(dashboard, shown, Action.BACK)
        assert "the ward: all streams" not in text


def test_trends_of_the_stream_shown():
    dashboard, _, shown = of_beds(1)
    text = press(dashboard, shown)
    assert "75-75 in 10 min" in text
    assert "3-3 in 10 min" in text
    text = press(dashboard, shown, Action.SPAN, Action.SPAN, Action.SPAN)
    assert "75-75 in 4 h" in text


def test_the_live_trace_of_an_event_goes_on():
    dashboard, _, shown = of_beds(2)
    dashboard.deliver(alarm("bed-1"))
    dashboard.deliver(snippet(alarm("bed-1")))
    before = press(dashboard, shown, Action.EVENTS)
    dashboard.deliver(signal(2500, 600))
    after = press(dashboard, shown)
    assert before.splitlines()[7:14] == after.splitlines()[7:14]
    assert before.splitlines()[16:22] != after.splitlines()[16:22]


def test_an_event_that_has_ended_is_called_so():
    dashboard, _, shown = of_beds(2)
    dashboard.deliver(alarm("bed-1"))
    dashboard.deliver(alarm("bed-1", seq=2, alert_state=AlertState.CLEARED))
    assert "ended" in press(dashboard, shown, Action.EVENTS)
