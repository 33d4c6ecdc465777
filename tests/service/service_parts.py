"""A small deterministic analysis, and messages made by hand, for tests of the service."""

import numpy as np

from monitor.config import AlarmSettings
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    End,
    LeadState,
    Priority,
    Quality,
    Rhythm,
    Samples,
    StreamInfo,
)
from monitor.wire.frames import encode
from monitor.wire.sequence import SequenceCounter

RATE_HZ = 200.0
POISON_MV = 666.0
LEARNING_SAMPLES = 500


class EveryHundred:
    """A beat at every 100th sample, an alert raised at every 1000th; fails on a poisoned one.

    Of a source "judged" it first tells quality and rhythm.
    """

    def __init__(self, info):
        if info.source == "unwilling":
            raise ValueError("no analysis for\nthis one")
        self.info = info
        self.next = info.start_sample
        self.alerts = 0
        self.transitions = 0
        self.limits = AlarmSettings()

    def steps(self, samples):
        return self.push(samples)
        yield

    def push(self, samples):
        if (samples.values_mv == POISON_MV).any():
            raise ZeroDivisionError("poisoned")
        events = []
        if self.info.source == "judged" and self.next == self.info.start_sample:
            events = judged(self.info)
        for sample in range(max(self.next, samples.start_sample), samples.end_sample):
            if sample % 100 == 0:
                events.append(beat(self.info.stream, sample))
            if sample % 1000 == 999:
                events.append(self.alert(self.alerts, AlertState.RAISED, sample))
                self.alerts += 1
            self.next = sample + 1
        return events

    def acknowledge(self, alert_id):
        wanted = range(self.alerts) if alert_id is None else [alert_id]
        return [
            self.alert(i, AlertState.ACKNOWLEDGED, self.next - 1)
            for i in wanted
            if i in range(self.alerts)
        ]

    def set_limits(self, limits):
        self.limits = limits
        return []

    @property
    def judges(self):
        return self.next - self.info.start_sample >= LEARNING_SAMPLES

    def flush(self):
        return [beat(self.info.stream, self.next)]

    def alert(self, number, state, sample):
        self.transitions += 1
        return Alert(
            self.info.stream,
            number,
            self.transitions - 1,
            AlertKind.VT,
            Priority.HIGH,
            state,
            sample,
            sample,
            "VT",
        )


def judged(info):
    ok = (LeadState.OK,) * len(info.leads)
    return [Quality(info.stream, 0, 50, ok, True), Rhythm(info.stream, 0, 49, "AFIB")]


def beat(stream, sample):
    return Beat(
        stream, sample, sample, AamiClass.N, (1.0, 0.0, 0.0, 0.0, 0.0), None, 0, "every-hundred"
    )


class Sender:
    """Encodes messages as a source would."""

    def __init__(self, publisher="source-1", stream="a", leads=2, rate_hz=RATE_HZ):
        self.publisher = publisher
        self.info = StreamInfo(stream, rate_hz, tuple(f"L{i}" for i in range(leads)))
        self.numbers = SequenceCounter()
        self.at = 0
        self.sent_ns = 1_000_000_000

    def encode(self, body):
        topic = f"{type(body).__name__}.{body.stream}".encode()
        return encode(body, self.publisher, self.numbers.next(topic), self.sent_ns)

    def announce(self, **changes):
        fields = {f: getattr(self.info, f) for f in ("stream", "rate_hz", "leads", "source")}
        return self.encode(StreamInfo(**(fields | {"start_sample": self.at} | changes)))

    def samples(self, length=50, leads=None, value=0.25):
        values = np.full((length, leads or len(self.info.leads)), value, np.float32)
        body = Samples(self.info.stream, self.at, values)
        self.at += length
        return self.encode(body)

    def end(self):
        return self.encode(End(self.info.stream, self.at))
