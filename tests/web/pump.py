"""Keeps a ward alive, as a service would: samples, numbers, a heartbeat; at the pace of a clock."""

import contextlib
import threading
import time

import numpy as np
from web_parts import RATE_HZ, heartbeat, info, quality, rhythm, state, vitals

from monitor.messages import Samples
from monitor.sources.simulator import Simulator

PIECE_S = 0.1
LEADS = ("II", "V1")


def sinus(seconds=10):
    source = Simulator("sinus", rate_hz=RATE_HZ, leads=LEADS, loop=True, chunk_s=1.0)
    pieces = source.chunks()
    return np.concatenate([next(pieces).values_mv for _ in range(seconds)])


class Pump(threading.Thread):
    """Feeds beds of a served ward; those in ``silent`` get nothing, and none if ``dead``."""

    def __init__(self, served, beds):
        super().__init__()
        self.served = served
        self.beds = list(beds)
        self.silent = set()
        self.dead = False
        self.signal = sinus()
        self.at = 0
        self.ending = threading.Event()
        self.give(*(body for name in self.beds for body in (info(name), state(name))))
        self.give(*(body for name in self.beds for body in (quality(name), rhythm(name))))

    def give(self, *bodies, **options):
        self.served.take(*bodies, now_s=time.monotonic(), sent_ns=time.time_ns(), **options)

    def run(self):
        rows = round(PIECE_S * RATE_HZ)
        while not self.ending.wait(PIECE_S):
            if self.dead:
                continue
            values = self.signal[self.at % len(self.signal) :][:rows]
            fed = [name for name in self.beds if name not in self.silent]
            self.give(heartbeat(), *(Samples(name, self.at, values) for name in fed))
            if self.at % RATE_HZ == 0:
                self.give(*(vitals(name, self.at) for name in fed))
            self.at += rows


@contextlib.contextmanager
def pumping(served, beds):
    pump = Pump(served, beds)
    pump.start()
    try:
        yield pump
    finally:
        pump.ending.set()
        pump.join()
