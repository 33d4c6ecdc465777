"""Loss, duplicates and reordering from sequence numbers, against plain set arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.sequence import (
    MAX_COUNTED,
    MAX_TOPICS,
    WINDOW,
    Arrival,
    SequenceCounter,
    SequenceCounts,
    SequenceTracker,
    TopicSequences,
)


@given(st.lists(st.integers(0, 300), max_size=200))
def test_counts_agree_with_sets_whatever_the_order(numbers):
    tracker = SequenceTracker()
    tracker.observe("p", 0)
    arrivals = [tracker.observe("p", number) for number in numbers]

    come, highest, late, doubled = {0}, 0, 0, 0
    for number, arrival in zip(numbers, arrivals, strict=True):
        if number in come:
            doubled += 1
            assert arrival is Arrival.DUPLICATE
        elif number < highest:
            late += 1
            assert arrival is Arrival.LATE
        elif number == highest + 1:
            assert arrival is Arrival.IN_ORDER
        else:
            assert arrival is Arrival.AFTER_LOSS
        come.add(number)
        highest = max(highest, number)
    lost = len(set(range(highest + 1)) - come)
    assert tracker.counts == SequenceCounts(len(numbers) + 1, lost, doubled, late)


def test_joining_in_the_middle_is_no_loss():
    tracker = SequenceTracker()
    assert tracker.observe("p", 5000) is Arrival.IN_ORDER
    assert tracker.observe("p", 5001) is Arrival.IN_ORDER
    assert tracker.observe("p", 4999) is Arrival.LATE
    assert tracker.counts == SequenceCounts(3, 0, 0, 1)


def test_a_new_publisher_counts_from_its_own_beginning():
    tracker = SequenceTracker()
    tracker.observe("p", 100)
    assert tracker.observe("q", 0) is Arrival.RESTART
    assert tracker.observe("q", 1) is Arrival.IN_ORDER
    assert tracker.counts.lost == 0


def test_a_sender_that_begins_anew_under_its_old_id_is_believed_at_the_second_message():
    tracker = SequenceTracker()
    for number in range(WINDOW + 10):
        tracker.observe("p", number)
    assert tracker.observe("p", 0) is Arrival.DUPLICATE
    assert tracker.observe("p", 1) is Arrival.RESTART
    assert tracker.observe("p", 2) is Arrival.IN_ORDER
    assert tracker.counts.lost == 0


def test_one_stray_old_message_restarts_nothing():
    tracker = SequenceTracker()
    for number in range(WINDOW + 10):
        tracker.observe("p", number)
    assert tracker.observe("p", 3) is Arrival.DUPLICATE
    assert tracker.observe("p", WINDOW + 10) is Arrival.IN_ORDER
    assert tracker.observe("p", 4) is Arrival.DUPLICATE


def test_a_jump_beyond_the_window_is_loss():
    tracker = SequenceTracker()
    tracker.observe("p", 0)
    assert tracker.observe("p", 10**15) is Arrival.AFTER_LOSS
    assert tracker.counts.lost == 10**15 - 1


def test_topics_are_counted_apart_and_their_number_is_bounded():
    topics = TopicSequences()
    topics.observe(b"beat.a", "p", 0)
    topics.observe(b"beat.b", "p", 7)
    topics.observe(b"beat.a", "p", 2)
    assert topics.total() == SequenceCounts(3, 1, 0, 0)
    for number in range(2 * MAX_TOPICS):
        topics.observe(b"beat.%d" % number, "p", 0)
    assert len(topics._trackers) == MAX_TOPICS


def test_the_sender_forgets_the_topics_unused_for_longest():
    counter = SequenceCounter()
    for k in range(MAX_COUNTED):
        counter.next(b"samples.%d" % k)
    assert counter.next(b"samples.0") == 1
    assert counter.next(b"samples.new") == 0
    assert [counter.next(b"samples.%d" % k) for k in (0, 2, 1)] == [2, 1, 0]


def test_the_sender_counts_every_topic_from_zero():
    counter = SequenceCounter()
    assert [counter.next(b"a"), counter.next(b"b"), counter.next(b"a")] == [0, 0, 1]
