"""A dashboard's feed of a running service: what it shows, and acknowledging over it."""

import itertools
import threading
import time

import pytest
from running import FREE, PATIENCE_S, Running, chunks, in_process, listening, publish, raw_source
from service_parts import EveryHundred, Sender, judged

from monitor.feeds import remote
from monitor.feeds.feed import Status
from monitor.feeds.remote import SubscriberFeed
from monitor.messages import (
    Alert,
    AlertState,
    Beat,
    End,
    Quality,
    Rhythm,
    Samples,
    StreamInfo,
)
from monitor.wire.frames import encode
from monitor.wire.protocol import (
    KINDS,
    SERVICE_STOPPED,
    Heartbeat,
    StreamState,
    StreamStatus,
    topic_of,
)
from monitor.wire.sequence import SequenceCounter
from monitor.wire.sockets import ServiceSockets

pytestmark = pytest.mark.usefixtures("unhurried_service")


@pytest.fixture(autouse=True)
def unhurried_watcher(monkeypatch):
    """However long a service is not heard, it is not said to be gone."""
    monkeypatch.setattr(remote, "SILENT_S", 600.0)


def collect(feed, until):
    """Run a feed until a message satisfies ``until``; give all that it delivered."""
    delivered = []

    def deliver(message):
        delivered.append(message)
        if until(message):
            feed.stop()

    guard = threading.Timer(PATIENCE_S, feed.stop)
    guard.start()
    feed.run(deliver)
    guard.cancel()
    assert until(delivered[-1]), delivered[-3:]
    return delivered


def test_a_late_watcher_sees_stream_and_active_alerts_at_once():
    with Running() as running, raw_source(running) as source:
        with listening(running) as listener:
            sender = Sender(leads=1)
            source.send_multipart(sender.announce())
            source.send_multipart(sender.samples(2500))
            listener.until(Samples)
            listener.until(Alert, lambda a: a.id == 1)
        delivered = collect(
            SubscriberFeed(running.output),
            lambda m: isinstance(m, Status) and m.stream == "a",
        )
    kinds = [type(m) for m in delivered]
    assert kinds == [Status, Status, Status, StreamInfo, Alert, Alert, Status]
    assert delivered[3] == sender.info
    assert [(a.id, a.state) for a in delivered[4:6]] == [
        (0, AlertState.RAISED),
        (1, AlertState.RAISED),
    ]


@pytest.mark.slow
def test_a_late_watcher_learns_quality_and_rhythm_once():
    with Running() as running, raw_source(running) as source:
        sender = Sender(leads=1)
        with listening(running) as listener:
            source.send_multipart(sender.announce(source="judged"))
            source.send_multipart(sender.samples(200))
            listener.until(Beat)
        states = []

        def three_states(message):
            states.append(isinstance(message, Status) and message.stream == "a")
            return sum(states) >= 3

        delivered = collect(SubscriberFeed(running.output), three_states)
    assert [m for m in delivered if isinstance(m, Quality | Rhythm)] == judged(sender.info)


def test_a_watcher_gets_everything_in_order_and_alerts_once():
    info = StreamInfo("a", 200.0, ("II",))
    with Running() as running:
        other = StreamInfo("b", 200.0, ("II",))
        feed = SubscriberFeed(running.output, stream="a")
        started = threading.Event()
        delivered = []

        def deliver(message):
            delivered.append(message)
            if isinstance(message, Status) and message.stream == "a":
                started.set()
            if isinstance(message, End):
                feed.stop()

        with raw_source(running) as source:
            sender = Sender(leads=1)
            source.send_multipart(sender.announce())
            thread = threading.Thread(target=feed.run, args=(deliver,))
            thread.start()
            while not any(isinstance(m, StreamInfo) for m in list(delivered)):
                assert started.wait(PATIENCE_S)
            publish(running, other, chunks("b", 1, 20))
            for frames in [sender.samples(100) for _ in range(50)]:
                source.send_multipart(frames)
            source.send_multipart(sender.end())
            thread.join(PATIENCE_S)
    assert not thread.is_alive()
    events = [m for m in delivered if isinstance(m, Beat | Alert)]
    assert events == in_process(info, 5000)
    assert {m.stream for m in delivered} == {"a"}


@pytest.mark.slow
def test_a_watcher_ends_with_the_streams_if_so_asked():
    with Running() as running:
        publish(running, StreamInfo("a", 200.0, ("II",)), chunks("a", 1, 30))
        delivered = []
        feed = SubscriberFeed(running.output, until_ended=True)
        guard = threading.Timer(PATIENCE_S, feed.stop)
        guard.start()
        feed.run(delivered.append)
        assert guard.is_alive()  # nobody had to stop it
        guard.cancel()
    assert End("a", 1500) in delivered


def test_acknowledging_through_the_feed():
    with Running() as running, raw_source(running) as source:
        sender = Sender(leads=1)
        source.send_multipart(sender.announce())
        source.send_multipart(sender.samples(1500))
        feed = SubscriberFeed(running.output, running.control)

        def done(message):
            if isinstance(message, Alert) and message.state is AlertState.RAISED:
                feed.acknowledge("a", message.id)
            return isinstance(message, Alert) and message.state is AlertState.ACKNOWLEDGED

        delivered = collect(feed, done)
    assert [a.state for a in delivered if isinstance(a, Alert)] == [
        AlertState.RAISED,
        AlertState.ACKNOWLEDGED,
    ]


def test_an_alert_that_comes_before_the_stream_is_introduced_is_shown():
    """Who joins between the announcement of a stream and its first state."""
    info, numbers = StreamInfo("a", 200.0, ("II",)), SequenceCounter()
    early = EveryHundred(info).alert(0, AlertState.RAISED, 999)
    state = StreamState("a", StreamStatus.LIVE, "", info, 1500, (early,))
    with ServiceSockets(FREE, FREE, FREE) as sockets:
        feed, delivered = SubscriberFeed(sockets.output_endpoint), []

        def deliver(message):
            delivered.append(message)
            if isinstance(message, Status) and message.stream == "a":
                feed.stop()

        thread = threading.Thread(target=feed.run, args=(deliver,))
        thread.start()
        topics = 0
        while topics < len(KINDS):
            sockets.wait(0.1)
            topics += sockets.newcomers(1)
        for body in (Heartbeat("life-1", 1), early, state):
            sockets.publish(encode(body, "life-1", numbers.next(topic_of(body)), 1))
        thread.join(PATIENCE_S)
    assert [m for m in delivered if isinstance(m, StreamInfo | Alert)] == [info, early]


@pytest.mark.slow
def test_an_acknowledgement_that_is_refused_is_shown():
    with Running() as running, raw_source(running) as source:
        sender = Sender(leads=1)
        source.send_multipart(sender.announce())
        source.send_multipart(sender.samples(100))
        feed = SubscriberFeed(running.output, running.control)
        feed.acknowledge("a", 77)
        delivered = collect(feed, lambda m: isinstance(m, Status) and "not acknowledged" in m.text)
    assert "no active alert 77" in delivered[-1].text


def test_a_watcher_without_a_service_says_so():
    ticks = itertools.count(step=700)
    feed = SubscriberFeed("tcp://127.0.0.1:9", stream="a", clock=lambda: next(ticks))
    delivered = collect(feed, lambda m: isinstance(m, Status) and m.text.startswith("no service"))
    assert delivered[-1] == Status("a", "no service at tcp://127.0.0.1:9")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "dies"])
def test_a_service_that_goes_leaves_its_streams_lost_but_not_those_that_had_ended(monkeypatch, how):
    monkeypatch.setattr(remote, "SILENT_S", 0.5 if how == "dies" else 600.0)
    with ServiceSockets(FREE, FREE, FREE) as sockets:
        feed, delivered = SubscriberFeed(sockets.output_endpoint), []

        def states(texts):
            for name, (status, text) in texts.items():
                info = StreamInfo(name, 250.0, ("II",))
                yield StreamState(name, status, text, info, 10)

        went = SERVICE_STOPPED if how == "stopped" else ""
        last = StreamStatus.ENDED if how == "stopped" else StreamStatus.LIVE

        def lost():
            return {m.stream for m in delivered if isinstance(m, Status) and m.lost}

        def deliver(message):
            delivered.append(message)
            if lost():
                feed.stop()

        watcher = threading.Thread(target=feed.run, args=(deliver,))
        watcher.start()
        try:
            numbers = SequenceCounter()
            end_s = time.monotonic() + PATIENCE_S
            while not lost() and time.monotonic() < end_s:
                sockets.wait(0.05)
                if not sockets.newcomers() and numbers.next(b"turn") > 5 and how == "dies":
                    continue  # it has been heard, and says no more
                ended = {"b": (StreamStatus.ENDED, "")}
                for body in states({"a": (last, went), **ended}):
                    number = numbers.next(topic_of(body))
                    sockets.publish(encode(body, "service", number, 0))
        finally:
            feed.stop()
            watcher.join()
    assert lost() == {"a"}
