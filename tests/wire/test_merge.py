"""Live messages and pages of a journal, merged: the exact sequence, whatever happens on the way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.wire import merge
from monitor.wire.merge import Merger, Page
from monitor.wire.protocol import Mark

STREAMS = "abc"


class World:
    """A journal, its publisher, a line that loses and doubles, and one subscriber."""

    def __init__(self, since, before=(), page=3):
        self.journal = []  # (number, stream, item)
        self.last_of = dict.fromkeys(STREAMS, 0)
        self.name = "first"
        self.next = 1
        self.page = page
        for stream in before:
            self.publish(stream, copies=None)
        self.got = []
        self.merger = Merger(since)

    def publish(self, stream, copies=1, skip=0):
        """Journal an event of a stream, and send it so many times."""
        number = self.next + skip
        mark = Mark(number, self.last_of[stream])
        item = (self.name, number, stream)
        self.next, self.last_of[stream] = number + 1, number
        self.journal.append((number, stream, item))
        for _ in range(copies or 0):
            self.got += self.merger.live(stream, mark, item)

    def answer(self, only=None):
        """Answer the subscriber, if it wants to ask."""
        if not self.merger.wanted:
            return False
        after, last = self.merger.after, self.next - 1
        if after is None:
            events, through = [], last
        else:
            events = [e for e in self.journal if e[0] > after][: self.page]
            through = events[-1][0] if len(events) == self.page else max(last, after)
        self.got += self.merger.page(Page(self.name, last, min(through, last), tuple(events)))
        return True

    def tell(self, stream):
        if self.last_of[stream]:
            self.merger.told(stream, self.last_of[stream])

    def settle(self):
        """The states that come each second, and answers to all that is asked."""
        for stream in STREAMS:
            self.tell(stream)
        for _ in range(1000):
            if not self.answer():
                return
        raise AssertionError("it never ends asking")

    def of(self, stream, items):
        return [item for item in items if item[2] == stream]


streams = st.sampled_from(STREAMS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), streams, st.sampled_from([0, 1, 1, 1, 2, 3])),
        st.tuples(st.just("skip"), streams, st.integers(0, 2)),
        st.tuples(st.just("tell"), streams),
        st.tuples(st.just("answer")),
        st.tuples(st.just("restart")),
        st.tuples(st.just("catch up")),
    ),
    max_size=60,
)


def play(world, script):
    for step in script:
        match step:
            case "publish", stream, copies:
                world.publish(stream, copies)
            case "skip", stream, copies:  # a service that died left numbers out
                world.publish(stream, copies, skip=10)
            case "tell", stream:
                world.tell(stream)
            case ("answer",):
                world.answer()
            case ("restart",):
                world.merger.restarted()
            case ("give up",):
                world.got += world.merger.give_up()


@pytest.mark.slow
@settings(max_examples=500)
@given(st.lists(streams, max_size=12), st.integers(0, 12), steps, st.integers(1, 4))
def test_since_a_number_the_sequence_is_exact(before, since, script, page):
    since = min(since, len(before))
    world = World(since, before, page)
    play(world, script)
    world.settle()
    expected = [item for number, _, item in world.journal if number > since]
    for stream in STREAMS:
        assert world.of(stream, world.got) == world.of(stream, expected)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(streams, max_size=12), steps, steps)
def test_from_now_on_the_sequence_is_exact_once_the_journal_has_answered(before, early, script):
    world = World(None, before)
    play(world, [step for step in early if step != ("answer",)])
    world.answer()  # what came before this may be lost, what comes after may not
    joined, began = world.next, len(world.got)
    play(world, script)
    world.settle()
    expected = [item for number, _, item in world.journal if number >= joined]
    for stream in STREAMS:
        assert world.of(stream, world.got[began:]) == world.of(stream, expected)
    assert len(set(world.got)) == len(world.got)


@pytest.mark.slow
@settings(max_examples=300)
@given(steps, st.lists(st.integers(0, 60), max_size=4))
def test_given_up_waiting_things_may_come_late_but_all_come_once(script, gives_up):
    world = World(0)
    script = list(script)
    for place in sorted(gives_up, reverse=True):
        script.insert(place, ("give up",))
    play(world, script)
    assert not world.merger.waiting or not gives_up or script[-1] != ("give up",)
    world.settle()
    assert sorted(world.got) == sorted(item for _, _, item in world.journal)


def test_nothing_waits_for_a_journal_that_never_answers():
    world = World(None)
    for number in range(100):
        world.publish("a", 0 if number % 3 == 0 else 2)
        assert not world.merger.waiting
    assert [number for _, number, _ in world.got] == [n for n in range(1, 101) if n % 3 != 1]


def test_memory_is_bounded_without_answers():
    world = World(None)
    for _ in range(merge.MAX_REMEMBERED + 100):
        world.publish("a")
    assert len(world.merger._given) == merge.MAX_REMEMBERED


def test_without_any_loss_it_asks_now_and_then_only():
    world = World(0)
    world.settle()
    asked = 0
    for number in range(3 * merge.MAX_GIVEN):
        world.publish("abc"[number % 3])
        world.tell("abc"[number % 3])
        world.page = merge.MAX_GIVEN + 10
        asked += world.answer()
    assert asked == 2
    assert len(world.got) == 3 * merge.MAX_GIVEN


def test_the_last_message_of_all_is_missed_no_longer_than_to_the_next_state():
    world = World(0)
    world.settle()
    world.publish("a", copies=0)
    assert not world.merger.wanted
    world.tell("a")
    assert world.merger.wanted
    world.settle()
    assert len(world.got) == 1


def test_another_journal_is_taken_from_its_beginning():
    world = World(0)
    for _ in range(10):
        world.publish("a")
    world.settle()
    world.name, world.next, world.journal = "second", 1, []
    world.last_of = dict.fromkeys(STREAMS, 0)
    world.merger.restarted()
    world.publish("a")
    world.publish("b", copies=0)
    world.settle()
    assert world.got[10:] == [("second", 1, "a"), ("second", 2, "b")]
