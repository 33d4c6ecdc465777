"""What one peer can make the service hold is bounded, and its neighbours notice nothing."""

import contextlib
import itertools
import os
import socket
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import zmq
from service_parts import EveryHundred

from monitor.messages import End, Samples, StreamInfo
from monitor.service.hub import Hub
from monitor.service.loop import Service
from monitor.service.outbox import PIECE_BYTES
from monitor.wire import sockets as wire_sockets
from monitor.wire.backlog import FRAME_OVERHEAD, InputBacklog
from monitor.wire.protocol import Heartbeat
from monitor.wire.publisher import SamplePublisher
from monitor.wire.sockets import (
    CHECK_PERIOD_S,
    MAX_TOPICS,
    REQUEST_SHARE,
    REQUESTS_A_CHECK,
    ServiceSockets,
)
from monitor.wire.subscriber import Subscription

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 600
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


@contextlib.contextmanager
def serving():
    """A service in a thread; gives its sockets and what it says."""
    said = []
    sockets = ServiceSockets(FREE, FREE, FREE, log=said.append)
    service = Service(Hub(EveryHundred, "service", said.append), sockets, "service")
    failed = []

    def run():
        try:
            with sockets:
                service.run()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield sockets, said
    finally:
        service.stop()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert failed == []


@contextlib.contextmanager
def tcp(endpoint):
    host, port = endpoint.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as peer:
        yield peer


def handshake(peer, kind):
    """Speak ZMTP 3.0 as a socket of a kind, as far as the first message."""
    peer.sendall(GREETING)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    peer.sendall(b"\x04" + bytes([len(ready)]) + ready)
    answer = b""
    while b"READY" not in answer:
        answer += peer.recv(1000)


def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def good_stream(sockets):
    """Send a stream while a subscriber looks on; tell how many samples arrived of how many."""
    info = StreamInfo("good", 200.0, ("II",))
    pieces = [Samples("good", n * 50, np.zeros((50, 1), np.float32)) for n in range(40)]
    with Subscription(sockets.output_endpoint) as subscription:
        until(subscription, Heartbeat)
        with SamplePublisher(sockets.input_endpoint, patience_s=PATIENCE_S) as publisher:
            publisher.publish(info, pieces)
        arrived = 0
        while True:
            assert subscription.wait(PATIENCE_S)
            for packet in subscription.receive():
                if isinstance(packet.body, Samples):
                    arrived += len(packet.body.values_mv)
                elif isinstance(packet.body, End):
                    return arrived, packet.body.sample


def until(subscription, kind):
    while not any(isinstance(packet.body, kind) for packet in subscription.receive(1)):
        assert subscription.wait(PATIENCE_S), "nothing more came"


def soon(test):
    end_s = time.monotonic() + PATIENCE_S
    while not (held := test()) and time.monotonic() < end_s:
        time.sleep(0.01)
    return held


def said_soon(said, words):
    return soon(lambda: any(words in line for line in said))


NEVER_LAST = {
    "empty": b"\x01\x00" * 100_000,
    "large": b"\x03" + struct.pack(">Q", 1 << 20) + bytes(1 << 20),
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="bounded on Linux only")
@pytest.mark.parametrize("frames", NEVER_LAST.values(), ids=NEVER_LAST)
@pytest.mark.parametrize(("room", "kind"), [("input", b"PUB"), ("output", b"XSUB")])
def test_a_message_without_end_is_cut_off(frames, room, kind):
    if room == "output" and len(frames) > 1 << 20:
        frames = b"\x03" + struct.pack(">Q", 1000) + bytes(1000)  # more is not read there at all
        frames *= 1000
    with serving() as (sockets, said), tcp(getattr(sockets, f"{room}_endpoint")) as peer:
        handshake(peer, kind)
        before, most = resident_mib(), 0
        peer.settimeout(0.1)
        end_s, at, view = time.monotonic() + PATIENCE_S, 0, memoryview(frames)
        while not said and time.monotonic() < end_s:
            with contextlib.suppress(OSError):  # held back, or hung up on
                at = (at + peer.send(view[at:])) % len(frames)
            most = max(most, resident_mib() - before)
        assert said == [f"refused on --{room}: a message without end, or too many that wait"]
        peer.settimeout(PATIENCE_S)
        with contextlib.suppress(ConnectionError):
            while peer.recv(1000):
                pass
        assert most < 700
        assert good_stream(sockets) == (2000, 2000)


@pytest.mark.slow
def test_large_messages_at_full_speed_are_no_flood():
    """The most that an honest sender can have waiting, with a service that is slow to take it."""
    info = StreamInfo("big", 360.0, ("II", "V1"))
    chunk = 65_536

    def pieces():
        for number in range(150):
            yield Samples("big", number * chunk, np.zeros((chunk, 2), np.float32))

    said, seconds = [], itertools.count()  # by this clock, all is checked at every look
    clock = seconds.__next__
    with ServiceSockets(FREE, FREE, FREE, log=said.append, clock=clock) as sockets:
        sockets.open_input()

        def publish():
            with SamplePublisher(sockets.input_endpoint) as publisher:
                publisher.publish(info, pieces())

        thread = threading.Thread(target=publish)
        thread.start()
        ended, waits = False, 0
        while not ended:
            assert sockets.wait(PATIENCE_S)
            waits += 1
            for frames, _ in sockets.receive(2 if waits < 50 else 64):
                ended |= frames[0] == b"end.big"
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert said == []


@pytest.mark.slow
def test_too_many_topics_end_the_connection(context):
    with serving() as (sockets, said):
        greedy = context.socket(zmq.SUB)
        greedy.setsockopt(zmq.SNDHWM, 0)
        greedy.connect(sockets.output_endpoint)
        for number in range(MAX_TOPICS + 1):
            greedy.setsockopt(zmq.SUBSCRIBE, b"beat.%d" % number)
        assert said_soon(said, f"on --output: more than {MAX_TOPICS} topics")
        greedy.close(0)
        assert good_stream(sockets) == (2000, 2000)


@pytest.mark.slow
def test_who_has_most_topics_is_cut_when_there_are_too_many_in_all(monkeypatch, context):
    monkeypatch.setattr(wire_sockets, "MAX_TOPICS_IN_ALL", 1000)
    with serving() as (sockets, said):
        modest = [context.socket(zmq.SUB) for _ in range(3)]
        greedy = context.socket(zmq.SUB)
        for number, socket_ in enumerate([*modest, greedy]):
            socket_.connect(sockets.output_endpoint)
            for topic in range(50 if socket_ is not greedy else 900):
                socket_.setsockopt(zmq.SUBSCRIBE, b"beat.%d-%d" % (number, topic))
            socket_.setsockopt(zmq.SUBSCRIBE, b"heartbeat.")
        assert said_soon(said, "on --output: more than 1000 topics in all")
        greedy.close(0)  # it would connect again
        for socket_ in modest:
            for _ in range(3):
                assert socket_.poll(PATIENCE_S * 1000)
                socket_.recv_multipart()
        assert good_stream(sockets) == (2000, 2000)
        # those of the stream's subscriber, who has gone, are given up by and by
        assert soon(lambda: sockets._connections.topics <= 3 * 51)


def test_topics_given_up_do_not_count(context):
    with serving() as (sockets, said):
        changeable = context.socket(zmq.SUB)
        changeable.setsockopt(zmq.SNDHWM, 0)
        changeable.connect(sockets.output_endpoint)
        changeable.setsockopt(zmq.SUBSCRIBE, b"heartbeat.")
        assert changeable.poll(PATIENCE_S * 1000)
        for number in range(3 * MAX_TOPICS):
            changeable.setsockopt(zmq.SUBSCRIBE, b"beat.%d" % number)
            changeable.setsockopt(zmq.UNSUBSCRIBE, b"beat.%d" % number)
        for _ in range(3):  # still there a second later
            changeable.recv_multipart()
            assert changeable.poll(PATIENCE_S * 1000)
        assert said == []


@pytest.mark.slow
def test_too_many_connections_are_cut(monkeypatch):
    monkeypatch.setitem(wire_sockets.MAX_CONNECTIONS, "output", 10)
    with contextlib.ExitStack() as stack:
        sockets, said = stack.enter_context(serving())
        peers = [stack.enter_context(tcp(sockets.output_endpoint)) for _ in range(30)]
        assert said_soon(said, "on --output: more than 10 connections")
        for peer in peers[:20]:  # who has said nothing makes room for those that come
            with contextlib.suppress(ConnectionError):
                while peer.recv(100):
                    pass
        # nor do the others shut anybody out
        assert good_stream(sockets) == (2000, 2000)


@pytest.mark.slow
def test_who_has_spoken_keeps_the_connection_when_there_are_too_many(monkeypatch):
    monkeypatch.setitem(wire_sockets.MAX_CONNECTIONS, "output", 3)
    with contextlib.ExitStack() as stack:
        sockets, said = stack.enter_context(serving())
        members = [stack.enter_context(Subscription(sockets.output_endpoint)) for _ in range(3)]
        for member in members:
            until(member, Heartbeat)
        stranger = stack.enter_context(tcp(sockets.output_endpoint))
        assert said_soon(said, "on --output: more than 3 connections")
        with contextlib.suppress(ConnectionError):
            while stranger.recv(100):
                pass
        for member in members:
            received = member.sequences.total().received
            until(member, Heartbeat)
            until(member, Heartbeat)
            assert member.sequences.total().received > received
            assert member.sequences.total().lost == 0


@pytest.mark.slow
def test_requests_take_a_bounded_share_of_the_time(monkeypatch):
    """Time goes on only where the test says so: each answer takes a second."""
    now_s = [0.0]
    context = zmq.Context()
    with ServiceSockets(FREE, FREE, FREE, clock=lambda: now_s[0]) as sockets:
        try:
            eager = context.socket(zmq.DEALER)
            eager.connect(sockets.control_endpoint)
            for _ in range(5):
                eager.send_multipart([b"", b"{}"])
            answered_s = []
            while len(answered_s) < 5:
                sockets.wait(0.05)
                if sockets.request() is None:
                    now_s[0] += CHECK_PERIOD_S
                    continue
                answered_s.append(now_s[0])
                now_s[0] += 1.0
                sockets.reply(b"{}")
        finally:
            context.destroy(0)
    # the first look may come before the first request
    spans_s = [after - before for before, after in itertools.pairwise(answered_s)]
    assert all(1.0 / REQUEST_SHARE - 0.5 < span_s < 20.0 for span_s in spans_s), spans_s


def test_samples_go_out_in_small_messages_whatever_came():
    """What waits for a subscriber who is slow is counted in messages."""
    info = StreamInfo("wide", 1000.0, tuple(f"L{n}" for n in range(32)))
    values = np.random.default_rng(0).normal(0, 1, (4000, 32)).astype(np.float32)
    with serving() as (sockets, _), Subscription(sockets.output_endpoint) as subscription:
        until(subscription, Heartbeat)
        with SamplePublisher(sockets.input_endpoint, patience_s=PATIENCE_S) as publisher:
            publisher.publish(info, [Samples("wide", 0, values, 10**18)])
        got = []
        while not any(isinstance(body, End) for body in got):
            assert subscription.wait(PATIENCE_S)
            got += [packet.body for packet in subscription.receive()]
        assert subscription.sequences.total().lost == 0
    parts = [body for body in got if isinstance(body, Samples)]
    assert max(part.values_mv.nbytes for part in parts) <= PIECE_BYTES
    assert [part.wall_ns - 10**18 for part in parts] == [p.start_sample * 10**6 for p in parts]
    np.testing.assert_array_equal(np.concatenate([p.values_mv for p in parts]), values)


@pytest.mark.slow
def test_who_is_silent_while_connecting_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(wire_sockets, "HANDSHAKE_MS", 2000)
    with serving() as (sockets, said), contextlib.ExitStack() as stack:
        peers = [stack.enter_context(tcp(sockets.input_endpoint)) for _ in range(20)]
        for peer in peers[10:]:
            peer.sendall(GREETING[:20])
        for peer in peers:
            with contextlib.suppress(ConnectionError):
                while peer.recv(1000):
                    pass
        assert said_soon(said, "a peer that was silent while connecting")
        assert good_stream(sockets) == (2000, 2000)


def test_a_flood_of_requests_is_answered_at_a_bounded_rate(context):
    now_s, answered = [0.0], []
    with ServiceSockets(FREE, FREE, FREE, log=print, clock=lambda: now_s[0]) as sockets:
        eager = context.socket(zmq.DEALER)
        eager.connect(sockets.control_endpoint)
        for _ in range(61):
            eager.send_multipart([b"", b"{}"])
        while (left := 61 - sum(answered)) > 0:
            count = 0
            while count < min(left, REQUESTS_A_CHECK):  # they come by and by
                sockets.wait(0.05)
                while sockets.request() is not None:
                    sockets.reply(b"{}")
                    count += 1
            answered.append(count)
            now_s[0] += CHECK_PERIOD_S
        for _ in range(61):
            assert eager.poll(PATIENCE_S * 1000)
            eager.recv_multipart()
    assert answered == [20, 20, 20, 1]


@pytest.mark.slow
@pytest.mark.parametrize("room", ["output", "control"])
def test_a_frame_beyond_the_limit_of_its_socket_is_not_read(room):
    with serving() as (sockets, _), tcp(getattr(sockets, f"{room}_endpoint")) as peer:
        handshake(peer, b"XSUB" if room == "output" else b"REQ")
        peer.sendall(b"\x02" + struct.pack(">Q", 100_000) + bytes(100_000))
        with contextlib.suppress(ConnectionError):
            while peer.recv(1000):  # it ends: we are hung up on
                pass
        assert good_stream(sockets) == (2000, 2000)


def test_the_backlog_forgets_nothing_and_forgives_what_was_taken():
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as sender:
        peer, _ = server.accept()
        with peer:
            fd = peer.fileno()
            backlog = InputBacklog(message_bytes=1000, queue_bytes=5000, total_bytes=50_000)
            assert backlog.check([fd]) == []

            def came(count):
                sender.sendall(bytes(count))
                left = count
                while left:
                    left -= len(peer.recv(left))

            came(3000)
            assert backlog.check([fd]) == []
            assert backlog.check([fd]) == []  # it may all be messages that wait
            backlog.drained()
            assert backlog.check([fd]) == [fd]  # nothing waits: it is one without end
            backlog.took(fd, 3000 + FRAME_OVERHEAD)
            backlog.drained()
            assert backlog.check([fd]) == []
            came(6000)
            assert backlog.check([fd]) == [fd]  # more than may wait
            assert backlog.check([]) == []


def test_who_holds_most_is_cut_when_all_together_hold_too_much():
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        pairs = []
        for _ in range(3):
            sender = stack.enter_context(socket.create_connection(server.getsockname()))
            pairs.append((sender, stack.enter_context(server.accept()[0])))
        peers = [peer.fileno() for _, peer in pairs]
        backlog = InputBacklog(message_bytes=5000, queue_bytes=5000, total_bytes=7000)
        assert backlog.check(peers) == []
        for (sender, peer), count in zip(pairs, (1000, 3000, 2500), strict=True):
            sender.sendall(bytes(count))
            while count:
                count -= len(peer.recv(count))
        assert backlog.check(peers) == []
        pairs[0][0].sendall(bytes(1000))
        assert len(pairs[0][1].recv(1000, socket.MSG_WAITALL)) == 1000
        assert backlog.check(peers) == [peers[1]]
