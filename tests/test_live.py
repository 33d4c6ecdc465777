"""Pacing and the local feed, with a clock that the test moves."""

import threading
from concurrent.futures import Future

import numpy as np
import pytest

from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.feed import Status
from monitor.live import LocalFeed, paced
from monitor.messages import Alert, AlertState, Beat, End, Samples, StreamInfo
from monitor.sources.simulator import Simulator

INFO = StreamInfo("s", 100.0, ("II",))


class FakeStop(threading.Event):
    """Stands for the stop event: waiting moves the clock instead of taking time."""

    def __init__(self, stop_after=float("inf")):
        super().__init__()
        self.now, self.waits, self.stop_after = 1000.0, [], stop_after

    def clock(self):
        return self.now

    def wait(self, timeout=None):
        self.waits.append(timeout)
        self.now += timeout
        return len(self.waits) > self.stop_after


def second_long_chunks(n):
    for i in range(n):
        yield Samples("s", i * 100, np.zeros((100, 1), np.float32))


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_each_chunk_comes_when_its_last_sample_is_due(speed):
    stop = FakeStop()
    out = [stop.now for _ in paced(second_long_chunks(5), INFO, speed, stop, stop.clock)]
    assert np.allclose(np.array(out) - 1000.0, np.arange(1, 6) / speed)


def test_lateness_is_told_and_made_up_for():
    stop = FakeStop()
    late = []
    for i, (_, late_s) in enumerate(paced(second_long_chunks(6), INFO, 1.0, stop, stop.clock)):
        late.append(late_s)
        if i == 1:
            stop.now += 2.5  # the machine was busy
    assert np.allclose(late, [0, 0, 1.5, 0.5, 0, 0])


def test_full_speed_never_waits_and_stop_ends_it():
    stop = FakeStop()
    assert len(list(paced(second_long_chunks(5), INFO, None, stop, stop.clock))) == 5
    assert stop.waits == []
    stop = FakeStop(stop_after=2)
    assert len(list(paced(second_long_chunks(5), INFO, 1.0, stop, stop.clock))) == 2


def collect(feed):
    out = []
    feed.run(out.append)
    return out


class Part:
    """The first seconds of a source."""

    def __init__(self, source, seconds):
        self.info, self._source = source.info, source
        self._last = round(seconds * source.info.rate_hz)

    def chunks(self):
        for chunk in self._source.chunks():
            if chunk.start_sample >= self._last:
                return
            yield chunk


def test_the_feed_gives_the_stream_from_its_info_to_its_end():
    feed = LocalFeed(lambda: Part(Simulator("pvc", stream="s"), 30), Settings(), None)
    out = collect(feed)
    messages = [m for m in out if not isinstance(m, Status)]
    assert isinstance(messages[0], StreamInfo)
    assert isinstance(messages[-1], End)
    assert sum(isinstance(m, Beat) for m in messages) > 25
    assert [m.text for m in out if isinstance(m, Status) and m.text][:2] == [
        "opening the source", "loading the analysis",
    ]  # fmt: skip


def test_speed_does_not_change_the_events():
    def events(speed):
        feed = LocalFeed(lambda: Part(Simulator("vt", stream="s"), 30), Settings(), speed)
        return [m for m in collect(feed) if not isinstance(m, Status | Samples)]

    assert events(200.0) == events(None)


def test_acknowledging_reaches_the_alarms():
    feed = LocalFeed(lambda: Part(Simulator("asystole", stream="s"), 90), Settings(), None)
    out = []

    def deliver(message):
        out.append(message)
        if isinstance(message, Alert) and message.state is AlertState.RAISED:
            feed.acknowledge("s", message.id)

    feed.run(deliver)
    raised = {a.id for a in out if isinstance(a, Alert) and a.state is AlertState.RAISED}
    done = {a.id for a in out if isinstance(a, Alert) and a.state is AlertState.ACKNOWLEDGED}
    assert raised
    assert done == raised


def test_a_source_that_cannot_be_opened_is_the_callers_error():
    def broken():
        raise MonitorError("no such device")

    with pytest.raises(MonitorError, match="no such device"):
        collect(LocalFeed(broken, Settings()))


@pytest.mark.parametrize("speed", [1.0, None])
def test_stopping_does_not_wait_for_the_analysis_to_be_loaded(speed, monkeypatch):
    monkeypatch.setattr("monitor.live.load_pipeline", lambda *_: Future())
    feed = LocalFeed(lambda: Simulator("vt", stream="s"), Settings(), speed)
    out = []

    def deliver(message):
        out.append(message)
        if isinstance(message, Status) and message.text == "loading the analysis":
            feed.stop()

    feed.run(deliver)
    assert not any(isinstance(m, End) for m in out)
