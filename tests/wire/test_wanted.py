"""Which topics anybody has subscribed to, as the service's sockets see it."""

import contextlib
import time

import zmq

from monitor.wire.sockets import ServiceSockets

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 600


@contextlib.contextmanager
def subscriber(sockets, *topics):
    context = zmq.Context()
    try:
        socket = context.socket(zmq.SUB)
        socket.connect(sockets.output_endpoint)
        for topic in topics:
            socket.setsockopt(zmq.SUBSCRIBE, topic)
        yield socket
    finally:
        context.destroy(0)


def until(sockets, topic, wanted):
    until_s = time.monotonic() + PATIENCE_S
    while sockets.wants(topic) is not wanted:
        assert time.monotonic() < until_s, f"{topic} never became wanted: {wanted}"
        sockets.wait(0.1)
        sockets.newcomers()


def test_a_topic_is_wanted_while_anybody_has_subscribed_to_it():
    with ServiceSockets(FREE, FREE, FREE) as sockets:
        assert not sockets.wants(b"samples.a")
        with subscriber(sockets, b"samples.", b"samples.") as one:
            until(sockets, b"samples.a", True)
            assert not sockets.wants(b"beat.a")
            with subscriber(sockets, b"samples.a", b"beat."):
                until(sockets, b"beat.a", True)
                one.setsockopt(zmq.UNSUBSCRIBE, b"samples.")
                one.setsockopt(zmq.UNSUBSCRIBE, b"samples.")
                until(sockets, b"samples.b", False)
                assert sockets.wants(b"samples.a")
            until(sockets, b"samples.a", False)
            until(sockets, b"beat.a", False)


def test_nobody_can_end_the_subscription_of_another():
    with ServiceSockets(FREE, FREE, FREE) as sockets, subscriber(sockets, b"samples."):
        until(sockets, b"samples.a", True)
        context = zmq.Context()
        try:
            hostile = context.socket(zmq.XSUB)
            hostile.connect(sockets.output_endpoint)
            for _ in range(3):
                hostile.send(b"\x00samples.")
            hostile.send(b"\x01over.")
            until(sockets, b"over.a", True)
            assert sockets.wants(b"samples.a")
        finally:
            context.destroy(0)
        until(sockets, b"over.a", False)
        assert sockets.wants(b"samples.a")


def test_many_topics_of_many_who_subscribe():
    many = [f"samples.s{number}".encode() for number in range(1000, 1500)]
    with ServiceSockets(FREE, FREE, FREE) as sockets, subscriber(sockets, *many) as one:
        until(sockets, many[-1], True)
        for number in range(25_000):
            expected = 1000 <= int(str(number)[:4]) < 1500
            assert sockets.wants(f"samples.s{number}".encode()) is expected
        one.setsockopt(zmq.SUBSCRIBE, b"")
        until(sockets, b"beat.a", True)
