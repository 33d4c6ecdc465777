"""A stream name belongs to its sender. Time is handed in."""

from desk import Desk, events, in_process, of
from service_parts import Sender

from monitor.messages import (
    Beat,
    Samples,
)
from monitor.service.ownership import MAX_HELD


def test_a_name_stays_with_its_sender_for_as_long_as_it_sends():
    desk, owner, other = Desk(), Sender("owner"), Sender("other")
    desk.take(owner.announce(), other.announce())
    for _ in range(60):
        desk.take(owner.samples(50), other.samples(50, value=9.0))
        desk.tick(0.25)
    desk.take(owner.end())
    assert events(desk.out) == in_process(owner.info, 3000)
    assert {float(v) for s in of(Samples, desk.out) for v in s.values_mv.ravel()} == {0.25}
    # what waited for the decision, and everything after it
    assert desk.hub.refused == desk.state().refused == 61
    assert any("stream a is being sent by another sender" in line for line in desk.said)


def test_a_name_passes_on_when_its_sender_falls_silent_and_nothing_is_lost():
    desk, first, second = Desk(), Sender("life 1"), Sender("life 2")
    desk.take(first.announce())
    for _ in range(8):
        desk.take(first.samples(50))
        desk.tick(0.25)
    assert desk.take(second.announce(), second.samples(100)) == []
    desk.tick(0.25)  # the first is silent no longer than it was before
    assert desk.take(second.samples(100), second.samples(100)) == []
    new = [*desk.tick(0.5), *desk.take(second.samples(100), second.end())]
    mine = of(Samples, new)
    assert [s.start_sample for s in mine] == [0, 100, 200, 300]
    assert [b.sample for b in of(Beat, new)][-5:] == [0, 100, 200, 300, 400]
    assert desk.hub.refused == desk.state().lost_samples == 0


def test_our_own_delay_gives_no_name_away():
    desk, owner, other = Desk(), Sender("owner"), Sender("other")
    desk.take(owner.announce(), owner.samples(), other.announce(), other.samples())
    desk.tick(2.5, looked=False)  # the owner's messages may be queued behind others
    assert of(Samples, desk.take(owner.samples()))
    assert of(Samples, desk.take(other.samples())) == []


def test_a_claim_holds_a_bounded_number_of_messages():
    desk, owner, other = Desk(), Sender("owner"), Sender("other")
    desk.take(owner.announce(), owner.samples(), other.announce())
    desk.take(*(other.samples(10) for _ in range(2 * MAX_HELD)))
    assert desk.hub.refused == MAX_HELD + 1
    new = desk.tick()
    assert len(of(Samples, new)) == MAX_HELD - 1
    assert of(Samples, desk.take(other.samples(10)))
    assert desk.state().lost_samples == 10 * (MAX_HELD + 1)  # what was refused is a hole


def test_only_one_at_a_time_may_claim_and_only_by_announcing():
    desk, owner = Desk(), Sender("owner")
    one, two = Sender("one"), Sender("two")
    desk.take(owner.announce(), owner.samples(), two.samples(), one.announce(), two.announce())
    assert desk.hub.refused == 2
    assert desk.tick()
    assert of(Samples, desk.take(one.samples()))
    assert of(Samples, desk.take(two.samples(), owner.samples())) == []
