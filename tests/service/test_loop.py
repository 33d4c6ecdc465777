"""The running service between real sockets: sources, subscribers, garbage, acknowledgements."""

import contextlib
import json
import random
import socket
import threading
import time

import numpy as np
import pytest
import zmq
from service_parts import POISON_MV, EveryHundred, Sender

from monitor.errors import MonitorError
from monitor.feed import Status
from monitor.messages import Alert, AlertKind, AlertState, Beat, End, Samples, StreamInfo
from monitor.remote import SubscriberFeed
from monitor.service.hub import Hub
from monitor.service.loop import EndWhen, Service
from monitor.wire.protocol import Heartbeat, StreamState, StreamStatus, decode
from monitor.wire.publisher import ANNOUNCE_SIGNAL_S, SamplePublisher
from monitor.wire.sequence import SequenceTracker
from monitor.wire.sockets import OUTPUT_QUEUE, ServiceSockets
from monitor.wire.subscriber import ControlClient, Subscription

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 60


class Running:
    """A service in a thread, with the analysis of ``service_parts``."""

    def __init__(
        self, end_when=None, max_streams=64, at=FREE, journal=None, before=None, name="service"
    ):
        self.said = []
        self.delivered = []
        # in the place of another, or on free ports
        where = (before.input, before.output, before.control) if before else (at, FREE, FREE)
        self.sockets = ServiceSockets(*where)
        self.input = self.sockets.input_endpoint
        self.output = self.sockets.output_endpoint
        self.control = self.sockets.control_endpoint
        self.hub = Hub(EveryHundred, name, self.said.append, max_streams, journal)
        self.service = Service(self.hub, self.sockets, name, self.delivered.append, journal)
        self._end_when = end_when
        self._failed = None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            with self.sockets:
                self.service.run(self._end_when)
        except BaseException as error:
            self._failed = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.service.stop()
        self.join()

    def join(self):
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        if self._failed:
            raise self._failed


class Listener:
    """Collects what a subscription brings."""

    def __init__(self, running, kinds=None, stream=None):
        self.subscription = Subscription(running.output, kinds, stream)
        self.bodies = []
        self.until(Heartbeat)  # from here on nothing is missed

    def until(self, kind, test=lambda body: True):
        """Give the first new body of a kind for which ``test`` holds."""
        while True:
            assert self.subscription.wait(PATIENCE_S), "nothing more came"
            new = [packet.body for packet in self.subscription.receive(1)]
            self.bodies += new
            for body in new:
                if isinstance(body, kind) and test(body):
                    return body

    def of(self, *kinds):
        return [body for body in self.bodies if isinstance(body, kinds)]


@contextlib.contextmanager
def listening(running, kinds=None, stream=None):
    listener = Listener(running, kinds, stream)
    with listener.subscription:
        yield listener


@contextlib.contextmanager
def raw_source(running):
    """A foreign sender: a plain socket without any of our code."""
    context = zmq.Context()
    try:
        sender = context.socket(zmq.XPUB)
        sender.setsockopt(zmq.XPUB_NODROP, 1)
        sender.setsockopt(zmq.SNDTIMEO, PATIENCE_S * 1000)
        sender.connect(running.input)
        assert sender.poll(PATIENCE_S * 1000)
        assert sender.recv()[:1] == b"\x01"
        yield sender
    finally:
        context.destroy(PATIENCE_S * 1000)


def chunks(stream, leads, count, length=50, value=0.25):
    for number in range(count):
        yield Samples(stream, number * length, np.full((length, leads), value, np.float32))


def publish(running, info, pieces):
    with SamplePublisher(running.input) as publisher:
        publisher.publish(info, pieces)


def in_process(info, length):
    analysis = EveryHundred(info)
    values = np.full((length, len(info.leads)), 0.25, np.float32)
    return analysis.push(Samples(info.stream, 0, values)) + analysis.flush()


def test_a_stream_through_sockets_gives_what_its_analysis_gives():
    info = StreamInfo("bed-1", 200.0, ("II", "V1"), 0, "test")
    with Running() as running, listening(running) as listener:
        publish(running, info, chunks("bed-1", 2, 100))
        listener.until(End)
    assert listener.of(Beat, Alert) == in_process(info, 5000)
    assert listener.of(StreamInfo) == [info]
    assert sum(len(s.values_mv) for s in listener.of(Samples)) == 5000
    assert all((s.values_mv == 0.25).all() for s in listener.of(Samples))
    total = listener.subscription.sequences.total()
    assert (total.lost, total.duplicates, total.reordered) == (0, 0, 0)
    events = [b for b in running.delivered if isinstance(b, Beat | Alert)]
    assert events == in_process(info, 5000)


def test_two_streams_at_once_from_two_sources():
    infos = [StreamInfo("a", 200.0, ("II",)), StreamInfo("b", 500.0, ("I", "II", "III"))]
    with Running() as running, listening(running, ["beat", "alert", "end"]) as listener:
        threads = [
            threading.Thread(
                target=publish, args=(running, info, chunks(info.stream, len(info.leads), 200))
            )
            for info in infos
        ]
        for thread in threads:
            thread.start()
        for info in infos:
            if not any(e.stream == info.stream for e in listener.of(End)):
                listener.until(End, lambda end, name=info.stream: end.stream == name)
        for thread in threads:
            thread.join(PATIENCE_S)
    for info in infos:
        mine = [e for e in listener.of(Beat, Alert) if e.stream == info.stream]
        assert mine == in_process(info, 10_000)


def test_it_ends_by_itself_when_all_streams_have_ended():
    with Running(EndWhen(done=True)) as running:
        publish(running, StreamInfo("a", 200.0, ("II",)), chunks("a", 1, 10))
        running.join()
    assert [b for b in running.delivered if isinstance(b, End)] == [End("a", 500)]


def test_it_ends_by_itself_when_idle():
    with Running(EndWhen(idle_s=0.05)) as running:
        running.join()


def test_stopping_flushes_all_streams():
    with Running() as running, listening(running) as listener:
        with raw_source(running) as source:
            sender = Sender()
            source.send_multipart(sender.announce())
            source.send_multipart(sender.samples(150))
            listener.until(Samples)
        running.service.stop()
        listener.until(End)
    assert [b.sample for b in listener.of(Beat)] == [0, 100, 150]  # 150 comes from the flush


def test_thousands_of_malformed_messages_harm_nobody():
    draw = random.Random(1)
    topics = [b"", b"samples.a", b"samples.b", b"info.a", b"end.a", b"alert.a", b"\xff\x00", b"x.y"]
    headers = [b"", b"{}", b"[]", b"null", b"{" * 2000, b"\xff", b'{"schema":1}', b'{"schema":NaN}']
    info = StreamInfo("a", 200.0, ("II",))
    count = 4000
    with Running() as running, listening(running, ["beat", "alert", "end"]) as listener:

        def garbage():
            with raw_source(running) as source:
                for _ in range(count):
                    frames = [draw.choice(topics), draw.choice(headers), draw.randbytes(40)]
                    source.send_multipart(frames[: draw.randint(1, 3)])

        thread = threading.Thread(target=garbage)
        thread.start()
        publish(running, info, chunks("a", 1, 400))
        listener.until(End)
        thread.join(PATIENCE_S)
        beat = listener.until(Heartbeat, lambda h: h.refused + h.unknown == count)
    assert beat.streams == 1
    assert listener.of(Beat, Alert) == in_process(info, 20_000)
    assert len(running.said) < 50  # refusals are summed up, not told one by one


def test_peers_that_do_not_speak_zeromq_harm_nobody():
    info = StreamInfo("a", 200.0, ("II",))
    draw = random.Random(2)
    with Running() as running, contextlib.ExitStack() as stack:
        for endpoint in (running.input, running.output, running.control):
            host, port = endpoint.removeprefix("tcp://").split(":")
            for text in (b"GET / HTTP/1.1\r\n\r\n", draw.randbytes(5000), b"\xff" * 9000, b""):
                peer = stack.enter_context(socket.create_connection((host, int(port)), PATIENCE_S))
                with contextlib.suppress(ConnectionError):  # we may be hung up on
                    peer.sendall(text)
        listener = stack.enter_context(listening(running, ["beat", "alert", "end"]))
        publish(running, info, chunks("a", 1, 40))
        listener.until(End)
    assert listener.of(Beat, Alert) == in_process(info, 2000)


def test_a_poisoned_stream_does_not_touch_its_neighbour():
    good, bad = StreamInfo("good", 200.0, ("II",)), StreamInfo("bad", 200.0, ("II",))
    with Running() as running, listening(running) as listener:
        publish(running, bad, chunks("bad", 1, 3, value=POISON_MV))
        publish(running, good, chunks("good", 1, 40))
        listener.until(End, lambda end: end.stream == "good")
        state = listener.until(StreamState, lambda s: s.stream == "bad")
    assert (state.status, state.text) == (
        StreamStatus.QUARANTINED,
        "ZeroDivisionError: poisoned",
    )
    assert [a.kind for a in state.alerts] == [AlertKind.ANALYSIS_FAILED]
    mine = [e for e in listener.of(Beat, Alert) if e.stream == "good"]
    assert mine == in_process(good, 2000)


def test_holes_doubles_and_reordering_are_counted_across_sockets():
    with Running() as running, listening(running) as listener, raw_source(running) as source:
        sender = Sender(leads=1)
        messages = [sender.announce(), *(sender.samples(10) for _ in range(100))]
        del messages[20:23]  # lost
        messages.insert(50, messages[49])  # doubled
        messages[70], messages[71] = messages[71], messages[70]  # reordered
        for frames in [*messages, sender.end()]:
            source.send_multipart(frames)
        state = listener.until(StreamState, lambda s: s.status is StreamStatus.ENDED)
    assert (state.lost_messages, state.duplicates, state.reordered) == (3, 1, 1)
    assert state.lost_samples == 30  # the one that came late took its place


def test_a_stream_that_changes_its_leads_half_way():
    with Running() as running, listening(running) as listener, raw_source(running) as source:
        sender = Sender(leads=3)
        source.send_multipart(sender.announce())
        source.send_multipart(sender.samples(1000))
        sender.info = StreamInfo("a", 200.0, ("V5",))
        source.send_multipart(sender.announce())
        source.send_multipart(sender.samples(1000))
        source.send_multipart(sender.end())
        listener.until(End)
    assert [i.leads for i in listener.of(StreamInfo)] == [("L0", "L1", "L2"), ("V5",)]
    assert [s.values_mv.shape[1] for s in listener.of(Samples)] == [3, 1]
    raised = [a.id for a in listener.of(Alert) if a.state is AlertState.RAISED]
    assert raised == [0, 1]


def test_a_subscriber_that_does_not_read_delays_nobody_and_sees_what_it_missed():
    info = StreamInfo("a", 200.0, tuple(f"L{n}" for n in range(32)))
    count = OUTPUT_QUEUE + 2500
    context = zmq.Context()
    try:
        with Running() as running:
            idle = context.socket(zmq.SUB)
            idle.setsockopt(zmq.RCVHWM, 10)
            idle.setsockopt(zmq.SUBSCRIBE, b"samples.")
            idle.connect(running.output)
            with listening(running, ["end"]) as listener:
                publish(running, info, chunks("a", 32, count))
                listener.until(End)
            events = [b for b in running.delivered if isinstance(b, Beat | Alert)]
            assert events == in_process(info, 50 * count)
            tracker = SequenceTracker()
            again = threading.Thread(target=publish, args=(running, info, chunks("a", 32, 50)))
            again.start()
            while not tracker.counts.lost:
                assert idle.poll(PATIENCE_S * 1000)
                packet = decode(idle.recv_multipart())
                tracker.observe(packet.publisher, packet.sequence)
                if tracker.counts.received % 1000 == 0 and not again.is_alive():
                    again = threading.Thread(
                        target=publish, args=(running, info, chunks("a", 32, 50))
                    )
                    again.start()
            again.join(PATIENCE_S)
    finally:
        context.destroy(0)
    assert 0 < tracker.counts.received < count


def test_a_source_outlives_the_service_and_goes_on_with_the_next_one():
    info = StreamInfo("a", 200.0, ("II",))
    gone, heard = threading.Event(), threading.Event()

    def pieces():
        for number, chunk in enumerate(chunks("a", 1, 5000)):
            if number == 50:
                assert gone.wait(PATIENCE_S)
            if number > 150 and heard.wait(0.01):  # live, until the next service has joined
                return
            yield chunk

    with Running() as first:
        source = threading.Thread(target=publish, args=(first, info, pieces()))
        with listening(first, ["samples"]) as listener:
            source.start()
            listener.until(Samples, lambda s: s.end_sample == 2500)
    gone.set()  # into the void: the source's queue fills, then it waits
    with Running(EndWhen(done=True), at=first.input) as second:
        with listening(second) as listener:
            listener.until(Samples)
            heard.set()
            listener.until(End)
        source.join(PATIENCE_S)
        second.join()
    assert not source.is_alive()
    samples = [b for b in second.delivered if isinstance(b, Samples)]
    starts = [s.start_sample for s in samples]
    # what was queued came before the announcement; from that on nothing is missing
    assert starts == list(range(starts[0], samples[-1].end_sample, 50))
    assert [b for b in second.delivered if isinstance(b, End)] == [End("a", samples[-1].end_sample)]
    assert not [b for b in second.delivered if isinstance(b, Alert) and b.id < 0]


def collect(feed, until, **kwargs):
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


def test_a_watcher_ends_with_the_streams_if_so_asked():
    with Running() as running:
        publish(running, StreamInfo("a", 200.0, ("II",)), chunks("a", 1, 30))
        delivered = []
        feed = SubscriberFeed(running.output, until_ended=True)
        guard = threading.Timer(PATIENCE_S, feed.stop)
        guard.start()
        feed.run(delivered.append)
        guard.cancel()
    assert End("a", 1500) in delivered
    assert not feed._stop.is_set()


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


def test_limits_over_the_control_socket():
    with Running() as running, raw_source(running) as source:
        sender = Sender(leads=1)
        source.send_multipart(sender.announce())
        client = ControlClient(running.control)
        try:
            with pytest.raises(MonitorError, match="refused: there is no stream 'b'"):
                client.limits("b", {})
            while True:  # the samples may still be on their way
                source.send_multipart(sender.samples(100))
                with contextlib.suppress(MonitorError):
                    limits = client.limits("a", {"hr_high_bpm": 130})
                    break
        finally:
            client.close()
    assert limits["hr_high_bpm"] == 130.0


def test_an_acknowledgement_that_is_refused_is_shown():
    with Running() as running, raw_source(running) as source:
        sender = Sender(leads=1)
        source.send_multipart(sender.announce())
        source.send_multipart(sender.samples(100))
        feed = SubscriberFeed(running.output, running.control)
        feed.acknowledge("a", 77)
        delivered = collect(feed, lambda m: isinstance(m, Status) and "not acknowledged" in m.text)
    assert "no active alert 77" in delivered[-1].text


@pytest.mark.parametrize("frames", [[b""], [b"garbage"], [b"{}", b"{}"], [b"\xff" * 1000]])
def test_garbage_on_the_control_socket_is_answered(frames):
    context = zmq.Context()
    try:
        with Running() as running:
            client = context.socket(zmq.REQ)
            client.connect(running.control)
            client.send_multipart(frames)
            assert client.poll(PATIENCE_S * 1000)
            assert json.loads(client.recv())["ok"] is False
            client.send_json({"schema": 1, "command": "state"})
            assert client.poll(PATIENCE_S * 1000)
            reply = client.recv_json()
            assert reply["ok"] is True
            assert reply["streams"] == []
    finally:
        context.destroy(0)


def test_a_watcher_without_a_service_says_so():
    ticks = iter(range(1000))
    feed = SubscriberFeed("tcp://127.0.0.1:9", stream="a", clock=lambda: next(ticks))
    delivered = collect(feed, lambda m: isinstance(m, Status) and m.text.startswith("no service"))
    assert delivered[-1] == Status("a", "no service at tcp://127.0.0.1:9")


def test_a_source_that_ends_while_the_service_restarts_loses_neither_tail_nor_end():
    info = StreamInfo("a", 200.0, ("II",), 0, "test")
    gone = threading.Event()

    def pieces():
        for number, piece in enumerate(chunks("a", 1, 60)):
            if number == 20:
                assert gone.wait(PATIENCE_S)
            yield piece

    with Running() as first:
        thread = threading.Thread(target=publish, args=(first, info, pieces()))
        thread.start()
        until_s = time.monotonic() + PATIENCE_S
        while sum(isinstance(body, Samples) for body in first.delivered) < 20:
            assert time.monotonic() < until_s
            time.sleep(0.01)
    gone.set()
    second = Running(EndWhen(done=True), before=first)  # its ports are open, it is still loading
    thread.join(PATIENCE_S)
    assert not thread.is_alive()  # the source has ended and gone
    with second:
        second.join()
    came = [body for body in second.delivered if isinstance(body, Samples)]
    assert [body for body in second.delivered if isinstance(body, End)] == [End("a", 3000)]
    assert came[-1].end_sample == 3000
    # what the first would have taken: nothing but the pieces before the next announcement
    assert came[0].start_sample <= 1000 + ANNOUNCE_SIGNAL_S * 200.0
    assert [b.start_sample for b in came] == list(range(came[0].start_sample, 3000, 50))
