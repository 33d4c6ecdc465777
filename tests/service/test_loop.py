"""The running service between real sockets: sources, restarts, slow subscribers, garbage."""

import contextlib
import random
import socket
import threading
import time

import pytest
import zmq
from running import PATIENCE_S, Running, chunks, in_process, listening, publish, raw_source
from service_parts import POISON_MV, Sender

from monitor.messages import Alert, AlertKind, AlertState, Beat, End, Samples, StreamInfo
from monitor.service.loop import EndWhen
from monitor.wire.frames import decode
from monitor.wire.protocol import Heartbeat, StreamState, StreamStatus
from monitor.wire.publisher import ANNOUNCE_SIGNAL_S
from monitor.wire.sequence import SequenceTracker
from monitor.wire.sockets import OUTPUT_QUEUE

pytestmark = pytest.mark.usefixtures("unhurried_service")


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_subscriber_that_does_not_read_delays_nobody_and_sees_what_it_missed(context):
    info = StreamInfo("a", 200.0, tuple(f"L{n}" for n in range(32)))
    count = OUTPUT_QUEUE + 2500
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
            if idle.poll(1000):
                packet = decode(idle.recv_multipart())
                tracker.observe(packet.publisher, packet.sequence)
            elif not again.is_alive():  # what was lost shows with the next message
                again = threading.Thread(target=publish, args=(running, info, chunks("a", 32, 50)))
                again.start()
        again.join(PATIENCE_S)
    assert 0 < tracker.counts.received < count


@pytest.mark.slow
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


@pytest.mark.slow
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
