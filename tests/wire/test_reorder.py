"""Messages that overtook each other: order is restored, nothing is lost, the wait is bounded."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.messages import Samples
from monitor.wire.sequence import MAX_HELD, WAIT_S, Reorder

RATE_HZ = 100.0
LENGTH = 25


def message(number, length=LENGTH):
    start = number * LENGTH
    return Samples("s", start, np.arange(start, start + length, dtype=np.float32)[:, None])


def fed(numbers, reorder=None):
    reorder = reorder or Reorder(RATE_HZ, 0)
    return [out.start_sample // LENGTH for n in numbers for out in reorder.push(message(n))]


@given(st.lists(st.permutations(range(3)), min_size=1, max_size=12))
def test_what_is_late_by_one_or_two_messages_takes_its_place(blocks):
    numbers = [3 * block + n for block, order in enumerate(blocks) for n in order]
    assert fed(numbers) == sorted(numbers)


@given(st.permutations(range(24)), st.sets(st.integers(0, 23)))
def test_nothing_that_came_is_kept_back_or_given_twice(numbers, lost):
    reorder = Reorder(RATE_HZ, 0)
    came = [n for n in numbers if n not in lost]
    out = fed(came, reorder) + [s.start_sample // LENGTH for s in reorder.release()]
    assert sorted(out) == sorted(came)


def test_without_a_hole_nothing_waits():
    reorder = Reorder(RATE_HZ, 0)
    assert [len(reorder.push(message(n))) for n in range(10)] == [1] * 10


def test_a_lost_message_is_waited_for_no_longer_than_said():
    reorder = Reorder(RATE_HZ, 0)
    reorder.push(message(0))
    for n in range(2, 10):
        out = reorder.push(message(n))
        if out:
            break
    assert [s.start_sample // LENGTH for s in out] == list(range(2, n + 1))
    assert (n + 1) * LENGTH - LENGTH >= WAIT_S * RATE_HZ > n * LENGTH - LENGTH


def test_a_long_hole_is_not_waited_for():
    reorder = Reorder(RATE_HZ, 0)
    assert fed([0, 4000, 4001], reorder) == [0, 4000, 4001]


def test_many_tiny_messages_after_a_hole_are_bounded():
    reorder = Reorder(1e6, 0)
    held = 0
    for n in range(1, MAX_HELD + 1):
        out = reorder.push(Samples("s", 10 * n, np.zeros((1, 1), np.float32)))
        held = held + 1 - len(out)
        assert held < MAX_HELD
    assert len(out) == MAX_HELD


def test_a_late_message_that_was_given_up_still_comes_through():
    reorder = Reorder(RATE_HZ, 0)
    assert fed([0, 2, 3, 4, 1], reorder) == [0, 2, 3, 4, 1]


def test_a_shorter_double_does_not_replace_what_is_held():
    reorder = Reorder(RATE_HZ, 0)
    reorder.push(message(1))
    reorder.push(message(1, length=3))
    assert [len(s.values_mv) for s in reorder.release()] == [LENGTH]
