"""Lives of a service, one after the other, that remember as its journal would."""

import json

from desk import of
from service_parts import LEARNING_SAMPLES, RATE_HZ, EveryHundred, Sender

from monitor.journal.entries import Memory
from monitor.messages import Alert, AlertState
from monitor.service.hub import Hub
from monitor.service.memory import recalled
from monitor.service.outside_alerts import JUDGED_S

JUDGED_SAMPLES = round(JUDGED_S * RATE_HZ) + LEARNING_SAMPLES


class Life:
    """One life of a service, remembered as its journal would."""

    def __init__(self, before=None, make=EveryHundred, now_s=100.0, max_streams=8):
        self.said, self.out, self.now_s = [], [], now_s
        self.hub = Hub(make, f"life-{id(self)}", self.said.append, max_streams)
        if before is not None:
            memories, problems = recalled(before.kept(), wall_ns=0)
            assert problems == []
            self.hub.restore(memories, now_s)

    def kept(self):
        names = {body.stream for body in self.out}
        found = {name: self.hub.memory(name) for name in names if self.hub.memory(name)}
        return {name: Memory(m.text(), m.next_sample) for name, m in found.items()}

    def take(self, *messages):
        new = []
        for frames in messages:
            new += self.hub.receive(frames, self.now_s, 0)
        self.out += new
        return new

    def tick(self, seconds=1.0):
        self.now_s += seconds
        new = self.hub.tick(self.now_s, self.now_s)
        self.out += new
        return new

    def request(self, **fields):
        reply, new = self.hub.request(json.dumps({"schema": 1} | fields).encode())
        self.out += new
        assert json.loads(reply)["ok"], reply
        return new

    def state(self, stream="a"):
        return next(s for s in self.hub.greeting()[1:] if s.stream == stream)


def told(bodies):
    return [(a.id, a.seq, a.state) for a in of(Alert, bodies)]


def pieces(sender, length):
    return [sender.samples(50) for _ in range(length // 50)]


def one_alarm(max_streams=8):
    """A life in which sample 999 raised an alarm, and its sender."""
    life, sender = Life(max_streams=max_streams), Sender()
    life.take(sender.announce(), sender.samples(1050))
    assert told(life.out) == [(0, 0, AlertState.RAISED)]
    return life, sender


class Quiet(EveryHundred):
    """Finds no alarm."""

    def push(self, samples):
        events = [event for event in super().push(samples) if not isinstance(event, Alert)]
        self.alerts = 0
        return events


class Changed:
    """A life whose memory was changed by hand."""

    def __init__(self, life, change):
        self._life, self._change = life, change

    def kept(self):
        kept = self._life.kept()
        return {
            name: Memory(json.dumps(self._change(json.loads(m.text))), m.next_sample)
            for name, m in kept.items()
        }


def with_kind(life, kind, **fields):
    def change(memory):
        memory["alerts"][0] |= {"kind": kind.value} | fields
        return memory

    return Changed(life, change)
