"""The rate by the sender's own clock: drift, delays and steps pass, a wrong rate is said."""

import re
from dataclasses import replace

import numpy as np
import pytest
from service_parts import RATE_HZ, EveryHundred, Sender

from monitor.messages import Alert, AlertKind, AlertState, Samples
from monitor.service.hub import Hub
from monitor.service.intake import SenderRate
from monitor.wire.frames import encode

START_NS = 1_790_000_000_000_000_000
RNG = np.random.default_rng(5)


def stamped(seconds, true_hz, delay_s=lambda at_s: 0.0, piece_s=0.5):
    """Half a second of samples at a time, taken at ``true_hz``, announced at RATE_HZ."""
    length = round(piece_s * RATE_HZ)
    for start in range(0, round(seconds * RATE_HZ), length):
        taken_s = start / true_hz
        wall_ns = START_NS + round((taken_s + delay_s(taken_s)) * 1e9)
        yield Samples("a", start, np.zeros((length, 2), np.float32), wall_ns)


def last_problem(messages):
    rate = SenderRate(RATE_HZ)
    return [rate.problem(samples) for samples in messages][-1]


@pytest.mark.parametrize("percent", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_drift_and_jitter_are_no_problem(percent):
    true_hz = RATE_HZ * (1 + percent / 100)
    assert not last_problem(stamped(120, true_hz, lambda at_s: RNG.uniform(0, 0.1)))


@pytest.mark.parametrize("true_hz", [50.0, 100.0, 190.0, 210.0, 250.0, 400.0])
def test_another_rate_is_said(true_hz):
    problem = last_problem(stamped(120, true_hz, lambda at_s: RNG.uniform(0, 0.02)))
    measured = re.search(r"Announced at 200 Hz, (\S+) Hz by the sender's clock", problem)
    assert float(measured[1]) == pytest.approx(true_hz, rel=0.01)


def test_a_step_of_the_senders_clock_is_no_rate():
    for step_s in (-3600.0, 5.0, 1e6):
        messages = stamped(120, RATE_HZ, lambda at_s, by=step_s: by * (at_s > 61))
        rate = SenderRate(RATE_HZ)
        assert not any(rate.problem(samples) for samples in messages)


def test_a_delay_is_no_rate():
    messages = stamped(120, RATE_HZ, lambda at_s: 8.0 * (50 < at_s < 75))
    rate = SenderRate(RATE_HZ)
    assert not any(rate.problem(samples) for samples in messages)


def test_without_stamps_nothing_is_said():
    messages = (replace(samples, wall_ns=None) for samples in stamped(120, 100.0))
    assert not last_problem(messages)


def test_the_service_raises_and_clears_a_technical_alert():
    hub, sender = Hub(EveryHundred, "service", print), Sender()
    out = hub.receive(sender.announce(), 0.0, START_NS)
    number, wall_ns = 0, START_NS
    for true_hz, seconds in ((100.0, 60), (RATE_HZ, 120)):
        for _ in range(seconds * 2):
            samples = Samples("a", number * 100, np.zeros((100, 2), np.float32), wall_ns)
            out += hub.receive(encode(samples, "source-1", number, wall_ns), 0.0, wall_ns)
            number += 1
            wall_ns += round(100 / true_hz * 1e9)
    alerts = [b for b in out if isinstance(b, Alert) and b.kind is AlertKind.SAMPLING_RATE]
    assert (alerts[0].state, alerts[-1].state) == (AlertState.RAISED, AlertState.CLEARED)
    assert alerts[0].text.startswith("Announced at 200 Hz, 100 Hz by the sender's clock")
    assert alerts[0].sample <= 45 * RATE_HZ
