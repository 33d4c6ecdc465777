"""What a sender may not send is refused and counted, and no stream is the worse for it."""

import pytest
from desk import Desk, events, in_process, of
from hypothesis import given
from hypothesis import strategies as st
from service_parts import Sender

from monitor.messages import (
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    Samples,
)
from monitor.wire.protocol import Heartbeat, StreamStatus


def test_a_message_of_too_much_signal_is_refused_and_the_stream_goes_on():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(100))
    assert desk.take(sender.samples(4001)) == []
    assert (desk.state().refused, desk.state().status) == (1, StreamStatus.LIVE)
    new = desk.take(*(sender.samples(4000) for _ in range(3)))
    assert sum(len(s.values_mv) for s in of(Samples, new)) == 12_000
    assert desk.state().lost_samples == 4001
    desk.tick()
    assert any("20.0 s of signal; at most 20 s" in line for line in desk.said)


def test_samples_that_do_not_fit_are_refused_and_the_stream_goes_on():
    desk, sender = Desk(), Sender(leads=2)
    desk.take(sender.announce(), sender.samples(100))
    assert desk.take(sender.samples(100, leads=3)) == []
    assert desk.state().refused == 1
    new = desk.take(sender.samples(100))
    assert [b.sample for b in of(Beat, new)] == [200]


@pytest.mark.parametrize("at", [-1, 2**53 - 10])
def test_samples_beyond_the_index_are_refused_and_the_stream_goes_on(at):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples(100))
    sender.at, before = at, sender.at
    assert desk.take(sender.samples(100)) == []
    assert desk.state().refused == 1
    sender.at = before
    assert of(Samples, desk.take(sender.samples(100)))
    assert desk.state().lost_samples == 0


def test_samples_of_a_stream_nobody_announced_are_refused():
    desk, sender = Desk(), Sender()
    assert desk.take(*(sender.samples() for _ in range(7))) == []
    said = ["refused a message: stream a has not been announced (info message)"]
    assert desk.said == said
    desk.tick()
    desk.hub.flush()
    assert desk.said == [*said, f"{said[0]} (6 more times)"]


def test_more_streams_than_allowed_are_refused():
    desk = Desk(max_streams=2)
    senders = [Sender(f"sender {i}", f"s{i}") for i in range(3)]
    desk.take(*(s.announce() for s in senders))
    assert desk.hub.refused == 1
    assert of(Heartbeat, desk.tick())[0].streams == 2


def test_what_a_sender_may_not_send_is_refused():
    desk, sender = Desk(), Sender()
    desk.take(sender.announce(), sender.samples())
    alert = Alert("a", 0, 0, AlertKind.VT, "high", AlertState.RAISED, 0, 0, "false")
    assert desk.take(sender.encode(alert)) == []
    assert desk.hub.refused == 1


garbage = st.lists(
    st.binary(max_size=40)
    | st.sampled_from([b"info.a", b"samples.a", b"end.a", b"alert.a", b"{}", b"[]", b"null"]),
    max_size=4,
)


@pytest.mark.slow
@given(
    st.lists(garbage | st.tuples(st.integers(0, 2), st.binary(max_size=8)), min_size=1, max_size=30)
)
def test_garbage_changes_nothing_for_the_streams(messages):
    desk, sender = Desk(), Sender()
    desk.take(sender.announce())
    count = 0
    for message in messages:
        good = sender.samples(100)
        if isinstance(message, tuple):  # a good message with one frame damaged
            frames = list(sender.encode(End("a", 5)) if message[0] > 1 else good)
            frames[message[0] % len(frames)] = message[1]
            message = frames
        desk.take(message, good)
        desk.hub.request(b"".join(message))
        count += 100
    desk.take(sender.end())
    assert events(desk.out) == in_process(sender.info, count)
