"""Places: what waits for a worker, what is too much, what a new worker is told."""

import pytest

from monitor.journal.entries import Memory
from monitor.workers import places
from monitor.workers.messages import SAMPLES, Tick
from monitor.workers.places import Place, Places
from monitor.workers.placing import place_of


class Way:
    """A link with room for so many messages."""

    def __init__(self, room=10**6):
        self.room = room
        self.sent = []

        self.urged = []

    def offer(self, frames):
        if len(self.sent) >= self.room:
            return False
        self.sent.append(frames)
        return True

    def urge(self, frames):
        self.urged.append(frames)
        return True


def message(stream, number=0):
    return [b"samples." + stream, b"%d" % number, b"x" * 100], "key"


def test_messages_go_to_the_worker_of_their_stream_unread():
    ways, known = [Way(), Way()], Places(2, {})
    for place, way in zip(known.all, ways, strict=True):
        place.begin(way)
    names = [b"bed-%d" % number for number in range(20)]
    assert known.forward(message(name) for name in names) == 20
    for name in names:
        frames, key = message(name)
        assert [SAMPLES, key.encode(), *frames] in ways[place_of(name, 2)].sent
    assert sum(place.forwarded for place in known.all) == 20


@pytest.mark.parametrize("frames", [[b""], [b"no topic"], [b"\xff" * 1000, b"", b""]])
def test_what_is_no_message_goes_to_some_worker_who_refuses_it(frames):
    known = Places(3, {})
    for place in known.all:
        place.begin(Way())
    known.forward([(frames, "")])
    assert sum(len(place.way.sent) for place in known.all) == 1


def test_what_waits_is_sent_in_order_when_there_is_a_worker():
    known = Places(1, {})
    known.forward(message(b"a", n) for n in range(5))
    (place,) = known.all
    assert not known.served
    way = Way(room=3)
    place.begin(way)
    place.flush()
    known.forward([message(b"a", 5)])
    assert known.waiting
    way.room = 100
    place.flush()
    assert [frames[3] for frames in way.sent] == [b"%d" % n for n in range(6)]
    assert (place.waiting_bytes, place.forwarded, known.waiting) == (0, 6, False)


def test_without_a_worker_the_oldest_go_and_behind_a_slow_one_senders_wait(monkeypatch):
    monkeypatch.setattr(places, "DROP_BYTES", 1000)
    monkeypatch.setattr(places, "HELD_BYTES", 500)
    known = Places(1, {})
    known.forward(message(b"a", n) for n in range(20))
    (place,) = known.all
    place.flush()
    assert place.waiting_bytes <= 1000
    assert place.dropped == 20 - len(place.waiting) > 5
    assert place.waiting[-1][3] == b"19"
    assert not known.held
    place.begin(Way(room=0))
    place.flush()
    assert known.held
    before = len(place.waiting)
    place.flush()
    assert len(place.waiting) == before


def test_a_request_does_not_wait_behind_samples_but_that_nothing_waits_is_said_behind_them():
    known = Places(1, {})
    (place,) = known.all
    assert not place.tell([b"request", b"1", b"{}"])
    way = Way(room=1)
    place.begin(way)
    known.forward(message(b"a", n) for n in range(3))
    assert place.tell([b"request", b"1", b"{}"])
    assert way.urged == [[b"request", b"1", b"{}"]]
    known.found_empty()
    way.room = 100
    place.flush()
    known.found_empty()
    assert [frames[0] for frames in way.sent] == [SAMPLES, SAMPLES, SAMPLES, b"empty"]


def test_a_new_worker_gets_the_newest_state_of_its_streams_alone():
    names = [f"bed-{number}" for number in range(20)]
    known = Places(2, {name: Memory("old", 1) for name in names})
    known.remember("bed-3", Memory("new", 5))
    place = known.of(b"bed-3")
    known.ticked(place, Tick({"bed-3": 9, "unknown": 7}))
    found = known.memories_of(place)
    assert ("new", 9) in found
    assert len(found) == sum(place_of(name.encode(), 2) == place.number for name in names)


def test_memories_are_bounded_and_the_longest_unchanged_goes_first(monkeypatch):
    monkeypatch.setattr(places, "MAX_MEMORIES", 3)
    known = Places(1, {})
    for name in ("a", "b", "c"):
        known.remember(name, Memory(name, 0))
    known.remember("a", Memory("a2", 1))
    known.remember("d", Memory("d", 0))
    assert known.memories_of(known.all[0]) == [("c", 0), ("a2", 1), ("d", 0)]


def test_counts_go_on_when_a_worker_is_replaced():
    known = Places(2, {})
    one, two = known.all
    one.counts = {"streams": 3, "refused": 5, "late": 1}
    two.counts = {"streams": 4, "refused": 1}
    assert (known.elsewhere(one), known.elsewhere(two)) == (4, 3)
    one.lose()
    assert known.elsewhere(two) == 3
    one.counts = {"streams": 3, "refused": 1}
    beat = known.heartbeat("service", 7)
    assert (beat.stream, beat.streams, beat.refused, beat.late, beat.denied) == (
        "service", 7, 7, 0, 7,
    )  # fmt: skip


def test_it_is_done_when_every_worker_has_taken_all_and_all_that_came_are_over():
    known = Places(2, {})
    one, two = known.all
    for place in known.all:
        place.begin(Way())
    assert not known.done
    known.forward([message(b"bed-0")])
    for place in known.all:
        place.tick = Tick({}, place.forwarded, place.forwarded, True)
    assert known.done
    known.forward([message(b"bed-0")])
    assert not known.done
    assert isinstance(one, Place)
    assert two.number == 1
