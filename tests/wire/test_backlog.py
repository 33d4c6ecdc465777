"""What waits for a subscriber who does not read is bounded in bytes."""

import contextlib
import itertools
import os
import socket
import sys

import pytest
import zmq

from monitor.wire import sockets as wire_sockets
from monitor.wire.backlog import OutputBacklog
from monitor.wire.sockets import ServiceSockets

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 600

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counted on Linux only")


@contextlib.contextmanager
def pairs(count):
    """TCP connections: the reader's end and ours."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            reader = stack.enter_context(socket.create_connection(server.getsockname()))
            writer = stack.enter_context(server.accept()[0])
            writer.setblocking(False)
            found.append((reader, writer))
        yield found


def fill(writer):
    """Send until the reader would have to read."""
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += writer.send(bytes(100_000))
    return sent


def read(reader, count):
    while count:
        count -= len(reader.recv(min(count, 100_000)))


def inodes(*writers):
    return {writer.fileno(): os.fstat(writer.fileno()).st_ino for writer in writers}


def all_of(descriptor):
    return True


def test_who_reads_has_nothing_waiting():
    with pairs(1) as [(reader, writer)]:
        unread = OutputBacklog(10, 1000, 5000)
        for _ in range(20):
            writer.send(bytes(500))
            unread.published(500, all_of)
            read(reader, 500)
            assert unread.check(inodes(writer)) == []


def test_who_does_not_read_is_found_when_too_many_bytes_wait():
    with pairs(2) as [(_, stalled), (_, other)]:
        both = inodes(stalled, other)
        unread = OutputBacklog(10, 1000, 5000)
        fill(stalled)
        assert unread.check(both) == []
        unread.published(900, all_of)
        assert unread.check(both) == []
        unread.published(900, lambda fd: fd == other.fileno())  # not for it
        assert unread.check(both) == []
        unread.published(900, all_of)
        assert unread.check(both) == [stalled.fileno()]


def test_what_has_arrived_counts_no_more():
    with pairs(1) as [(reader, writer)]:
        one = inodes(writer)
        room = fill(writer)  # of the system, on both sides
        unread = OutputBacklog(1000, round(0.75 * room), 10**9)
        assert unread.check(one) == []
        unread.published(room // 2, all_of)
        read(reader, room)
        room = fill(writer)
        assert unread.check(one) == []
        unread.published(room // 2, all_of)
        assert unread.check(one) == []
        read(reader, room)


def test_messages_that_are_dropped_take_no_room():
    with pairs(1) as [(_, writer)]:
        one = inodes(writer)
        unread = OutputBacklog(10, 1000, 5000)
        fill(writer)
        assert unread.check(one) == []
        for _ in range(1000):
            unread.published(99, all_of)
        assert unread.check(one) == []


def test_all_together_are_bounded_too():
    with pairs(3) as found:
        writers = [writer for _, writer in found]
        unread = OutputBacklog(10, 1000, 2000)
        for writer in writers:
            fill(writer)
        assert unread.check(inodes(*writers)) == []
        for writer, size in zip(writers, (700, 800, 600), strict=True):
            unread.published(size, writer.fileno().__eq__)
        assert unread.check(inodes(*writers)) == [writers[1].fileno()]


def test_a_descriptor_that_is_another_connection_now_is_left_alone():
    with pairs(1) as [(_, writer)]:
        unread = OutputBacklog(10, 1000, 5000)
        fill(writer)
        for _ in range(3):
            assert unread.check({writer.fileno(): 1}) == []
            unread.published(5000, all_of)


def test_a_subscriber_that_does_not_read_is_cut_and_may_come_again(monkeypatch, context):
    """Others lose nothing, and it goes on with what comes when it reads again."""
    monkeypatch.setattr(wire_sockets, "UNREAD_BYTES", 4_000_000)
    said, looks = [], itertools.count()  # by this clock, all is checked at every look

    def subscriber():
        socket_ = context.socket(zmq.SUB)
        socket_.setsockopt(zmq.RCVHWM, 2)
        socket_.setsockopt(zmq.RCVBUF, 10_000)
        socket_.setsockopt(zmq.SUBSCRIBE, b"snippet.")
        socket_.connect(sockets.output_endpoint)
        return socket_

    def number(socket_):
        assert socket_.poll(PATIENCE_S * 1000)
        return int(socket_.recv_multipart()[1])

    with ServiceSockets(FREE, FREE, FREE, log=said.append, clock=looks.__next__) as sockets:
        reader, stalled = subscriber(), subscriber()
        came = 0
        while came < 2:
            sockets.wait(0.1)
            came += sockets.newcomers(1)
        last = 0
        while not said:
            assert last < 1000
            last += 1
            sockets.publish([b"snippet.a", b"%d" % last, bytes(500_000)])
            assert number(reader) == last
            sockets.wait(0)
        assert said == ["refused on --output: a subscriber that leaves too much unread"]
        got = []
        while not sockets.newcomers():  # it reads what it had, and connects again
            sockets.wait(0.05)
            if stalled.poll(0):
                got.append(number(stalled))
        sockets.publish([b"snippet.a", b"%d" % (last + 1), b""])
        assert number(reader) == last + 1
        while got[-1] <= last:
            got.append(number(stalled))
        assert got[:2] == [1, 2]
        assert len(said) == 1
