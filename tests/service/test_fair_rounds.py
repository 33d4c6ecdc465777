"""A sender that is far faster than the others does not make them wait."""

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
from service_parts import EveryHundred, Sender

from monitor.messages import Samples
from monitor.service.hub import Hub
from monitor.service.load import BATCH
from monitor.service.loop import EndWhen, Service
from monitor.wire.frames import decode
from monitor.wire.protocol import StreamState


class Sockets:
    """Connections that are served in turn, message by message, as ZeroMQ does."""

    refusals = 0

    def __init__(self, connections, restless=False):
        self.connections = deque(connections)
        self.restless = restless
        self.published = []

    def receive(self, limit):
        for _ in range(limit):
            waiting = next((c for c in self.connections if c), None)
            if waiting is None:
                return
            self.connections.remove(waiting)
            self.connections.append(waiting)
            yield waiting.popleft(), ""

    def open_input(self):
        pass

    def wait(self, timeout_s):
        return True

    def newcomers(self):
        return self.restless

    def request(self):
        return None

    def wants(self, topic):
        return True

    def publish(self, frames):
        self.published.append(decode(frames).body)


@pytest.mark.slow
def test_what_comes_while_a_fast_sender_is_served_is_next():
    fast, live = Sender("archive", "fast", leads=1), Sender("bed", "live", leads=1)
    waiting = deque([fast.announce(), *(fast.samples(4000) for _ in range(2 * BATCH))])
    bed = deque([live.announce()])
    seen = []

    class Watched(EveryHundred):
        """Each of the first messages of the fast sender takes so long that a live one comes."""

        def push(self, samples):
            seen.append(samples.stream)
            if samples.stream == "fast" and len(seen) < 40:
                bed.append(live.samples(50))
            return super().push(samples)

    sockets = Sockets([waiting, bed])
    seconds = iter(np.arange(0, 1000, 0.02))
    hub = Hub(Watched, "service", lambda text: None)
    service = Service(hub, sockets, "service", clock=lambda: next(seconds), wall_ns=lambda: 0)
    service.run(EndWhen(idle_s=1.0))
    assert "fast fast fast" not in " ".join(seen[:40])  # one more had been received already
    assert seen.count("live") >= 13
    assert seen.count("fast") == 2 * BATCH
    shown = [body for body in sockets.published if isinstance(body, Samples)]
    assert [body.stream for body in shown] == seen


@pytest.mark.slow
def test_somebody_who_subscribes_again_and_again_does_not_take_our_time():
    """Each state takes 10 ms; twenty streams are told at each tick, and seldom between."""
    now_s, states = [0.0], []

    class Slow(Sockets):
        def publish(self, frames):
            super().publish(frames)
            if isinstance(self.published[-1], StreamState):
                states.append(now_s[0])
                now_s[0] += 0.01

        def wait(self, timeout_s):
            now_s[0] += 0.01
            return True

    beds = [Sender(f"bed-{n}", f"bed-{n}") for n in range(20)]
    sockets = Slow([deque(bed.announce() for bed in beds)], restless=True)
    hub = Hub(EveryHundred, "service", lambda text: None)
    Service(hub, sockets, "service", clock=lambda: now_s[0]).run(EndWhen(idle_s=30.0))
    greetings = len(states) / len(beds) - now_s[0]  # the ticks leave out
    assert 0 < greetings * 0.2 < 0.15 * now_s[0]


def test_who_subscribes_while_states_are_shed_is_told_all_the_same():
    now_s = [0.0]

    class Late(Sockets):
        """Somebody subscribes just before a tick that shows no states."""

        def newcomers(self):
            return now_s[0] == 5.0

        def wait(self, timeout_s):
            now_s[0] += 1.0
            return True

    bed = Sender("bed", "bed")
    hub = Hub(EveryHundred, "service", lambda text: None)
    sockets = Late([deque([bed.announce()])])
    hub.overload = SimpleNamespace(
        shedding=True, shows_states=False, late=0, shed=0, judge=lambda *_: ""
    )
    Service(hub, sockets, "service", clock=lambda: now_s[0]).run(EndWhen(idle_s=10.0))
    states = [body for body in sockets.published if isinstance(body, StreamState)]
    assert len(states) == 3  # announced, to the newcomer, and at the end
