"""A service in a thread between real sockets, and who talks to it."""

import contextlib
import threading

import numpy as np
import zmq
from service_parts import EveryHundred

from monitor.messages import Samples
from monitor.service.hub import Hub
from monitor.service.loop import Service
from monitor.wire.protocol import Heartbeat
from monitor.wire.publisher import SamplePublisher
from monitor.wire.sockets import ServiceSockets
from monitor.wire.subscriber import Subscription

FREE = "tcp://127.0.0.1:*"
PATIENCE_S = 600


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
