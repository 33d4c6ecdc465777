"""Messages of many streams taken together: one run of the network, nobody touches anybody."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_parts import Sender, beat

from monitor.config import AlarmSettings
from monitor.messages import Alert, AlertKind, Beat, Samples
from monitor.service.hub import Hub
from monitor.stages.steps import run_alone, run_together

POISON = 13.0


class Adder:
    """A network that gives the mean of what it sees; poison breaks the whole run."""

    def __init__(self):
        self.runs = []

    def __call__(self, inputs):
        self.runs.append(len(inputs))
        if any(item.value == POISON for item in inputs):
            raise FloatingPointError("poison")
        return [10 * item.value for item in inputs]


class Seen:
    def __init__(self, network, value):
        self.network = network
        self.value = value


class Asking:
    """An analysis that asks its network about every message and reports what it said."""

    def __init__(self, info, network):
        self.info = info
        self.network = network
        self.limits = AlarmSettings()
        self.judges = True
        self.open = False

    def steps(self, samples):
        assert not self.open, "a stream takes one message after the other"
        if (samples.values_mv > 100).any():
            raise ZeroDivisionError("before the network")
        self.open = True
        said = yield Seen(self.network, float(samples.values_mv[0, 0]))
        self.open = False
        return [beat(self.info.stream, samples.start_sample + round(said))]

    def flush(self):
        return []


def desk():
    network = Adder()
    hub = Hub(lambda info: Asking(info, network), "service", lambda line: None)
    return hub, network


def take(hub, *messages):
    return hub.receive_all([(frames, "") for frames in messages], 1.0, 2_000_000_000)


def beats(bodies, stream=None):
    found = [body for body in bodies if isinstance(body, Beat)]
    return [b for b in found if stream in (None, b.stream)]


def failures(bodies):
    return [b.stream for b in bodies if isinstance(b, Alert) and b.kind == "analysis_failed"]


def test_streams_share_one_run_of_the_network():
    hub, network = desk()
    senders = [Sender(f"sender-{k}", f"s{k}") for k in range(5)]
    take(hub, *(s.announce() for s in senders))
    out = take(hub, *(s.samples(value=k) for k, s in enumerate(senders)))
    assert network.runs == [5]
    assert [(b.stream, b.sample) for b in beats(out)] == [(f"s{k}", 10 * k) for k in range(5)]
    assert [b.stream for b in out if isinstance(b, Samples)] == [f"s{k}" for k in range(5)]


def test_a_stream_takes_one_message_after_the_other():
    hub, network = desk()
    one, two = Sender("one", "a"), Sender("two", "b")
    out = take(
        hub, one.announce(), two.announce(), *(s.samples(10) for s in (one, one, two, one, two))
    )
    assert [(b.stream, b.sample) for b in beats(out)] == [
        ("a", 2), ("a", 12), ("b", 2), ("a", 22), ("b", 12)
    ]  # fmt: skip
    assert network.runs == [1, 2, 2]


def test_only_the_guilty_stream_of_a_failing_batch_is_quarantined():
    hub, network = desk()
    senders = [Sender(f"sender-{k}", f"s{k}") for k in range(4)]
    take(hub, *(s.announce() for s in senders))
    values = (1.0, POISON, 2.0, 101.0)  # of the last the analysis fails before it asks
    out = take(hub, *(s.samples(value=v) for s, v in zip(senders, values, strict=True)))
    assert network.runs == [3, 1, 1, 1]
    assert failures(out) == ["s1", "s3"]
    assert [(b.stream, b.sample) for b in beats(out)] == [("s0", 10), ("s2", 20)]
    out = take(hub, *(s.samples(value=3.0) for s in senders))
    assert [b.stream for b in beats(out)] == ["s0", "s2"]


def test_garbage_between_messages_is_refused_alone():
    hub, network = desk()
    one, two = Sender("one", "a"), Sender("two", "b")
    messages = [one.announce(), two.announce(), one.samples(), [b"x"], [b"beat.a", b"{"]]
    out = take(hub, *messages, Sender("nobody", "c").samples(), two.samples())
    assert (hub.refused, network.runs) == (3, [2])
    assert len(beats(out)) == 2


@pytest.mark.slow
@given(cuts=st.lists(st.integers(1, 9), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_any_rounds_give_what_one_message_at_a_time_gives(cuts, seed):
    draw = np.random.default_rng(seed)
    senders = [Sender(f"sender-{k}", f"s{k}") for k in range(4)]
    messages = [s.announce() for s in senders]
    for _ in range(40):
        sender = senders[draw.integers(4)]
        value = draw.choice([1.0, 2.0, 3.0, POISON], p=[0.4, 0.3, 0.25, 0.05])
        messages.append((draw.choice([0, 1]) and sender.samples(20, value=value)) or [b"junk"])
    messages += [s.end() for s in senders]
    alone, expected = desk()[0], []
    for message in messages:
        expected += alone.receive(message, 1.0, 2_000_000_000)
    hub, out = desk()[0], []
    at = 0
    while at < len(messages):
        size = cuts[at % len(cuts)]
        out += take(hub, *messages[at : at + size])
        at += size
    plain = [body for body in expected if not isinstance(body, Samples)]
    assert [body for body in out if not isinstance(body, Samples)] == plain
    assert len(out) == len(expected)


def test_work_on_two_networks_and_work_that_asks_nothing():
    first, second = Adder(), Adder()

    def work(network, *values):
        total = 0
        for value in values:
            total += yield Seen(network, value)
        return total

    done = run_together([work(first, 1, 2), work(second, 3), work(first), work(first, 4)])
    assert done == [30, 30, 0, 40]
    assert (first.runs, second.runs) == ([2, 1], [1])
    with pytest.raises(FloatingPointError):
        run_alone(work(first, POISON))


def test_the_reason_is_told():
    hub, _ = desk()
    sender = Sender("one", "a")
    out = take(hub, sender.announce(), sender.samples(value=POISON))
    alert = next(b for b in out if isinstance(b, Alert))
    assert alert.kind is AlertKind.ANALYSIS_FAILED
    assert "FloatingPointError: poison" in alert.text
