"""A hub with a clock that is moved by hand."""

import json

import numpy as np
from service_parts import EveryHundred

from monitor.messages import Alert, Beat, Samples
from monitor.service.hub import Hub


class Desk:
    """A hub with a clock that is moved by hand."""

    def __init__(self, max_streams=8):
        self.said = []
        self.now_s = 100.0
        self.hub = Hub(EveryHundred, "service", self.said.append, max_streams)
        self.out = []

    def take(self, *messages):
        new = []
        for frames in messages:
            new += self.hub.receive(frames, self.now_s, 1_250_000_000)
        self.out += new
        return new

    def tick(self, seconds=1.0, looked=True):
        self.now_s += seconds
        new = self.hub.tick(self.now_s, self.now_s if looked else self.now_s - seconds)
        self.out += new
        return new

    def request(self, **fields):
        reply, new = self.hub.request(json.dumps({"schema": 1} | fields).encode())
        self.out += new
        return json.loads(reply), new

    def state(self, stream="a"):
        return next(s for s in self.hub.greeting()[1:] if s.stream == stream)


def of(kind, bodies):
    return [body for body in bodies if isinstance(body, kind)]


def in_process(sender_info, length):
    analysis = EveryHundred(sender_info)
    values = np.full((length, len(sender_info.leads)), 0.25, np.float32)
    return analysis.push(Samples(sender_info.stream, 0, values)) + analysis.flush()


def events(bodies):
    return of((Beat, Alert), bodies)
