"""Pacing and the local feed, with a clock that the test moves."""

import threading
from concurrent.futures import Future

import numpy as np
import pytest

from monitor.config import Settings
from monitor.errors import MonitorError
from monitor.feeds.feed import Status
from monitor.feeds.local import LocalFeed
from monitor.feeds.pace import paced
from monitor.messages import Alert, AlertKind, AlertState, Beat, End, Samples, StreamInfo
from monitor.sources.simulator import Simulator
from monitor.sources.wfdb.record import WfdbRecord

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


def events_at(speed, open_source, chunk_s):
    """Events of a feed whose clock does not take time: at speed 1 as fast as at any other."""
    stop = FakeStop()
    feed = LocalFeed(lambda: open_source(chunk_s), Settings(), speed, stop.clock)
    feed._stop = stop
    out = [m for m in collect(feed) if not isinstance(m, Status | Samples)]
    if speed is not None:
        assert stop.waits, "the feed did not pace itself"
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("speed", "chunk_s"), [(1.0, 0.04), (10.0, 0.4)])
def test_speed_does_not_change_the_events(speed, chunk_s):
    def simulated(chunk_s):
        return Simulator("vt", stream="s", chunk_s=chunk_s, duration_s=30.0)

    assert events_at(speed, simulated, chunk_s) == events_at(None, simulated, 10.0)


@pytest.mark.slow
@pytest.mark.parametrize(("speed", "chunk_s"), [(1.0, 0.04), (10.0, 0.4)])
def test_speed_does_not_change_the_events_of_a_real_record(data_dir, speed, chunk_s):
    def record(chunk_s):
        return WfdbRecord(data_dir / "mitdb" / "208", stop_s=40.0, chunk_s=chunk_s)

    reference = events_at(None, record, 10.0)
    assert sum(isinstance(m, Beat) for m in reference) > 40
    assert events_at(speed, record, chunk_s) == reference


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


@pytest.mark.slow
def test_what_latches_can_be_acknowledged_after_the_end():
    feed, out = LocalFeed(lambda: Part(Simulator("asystole", stream="s"), 90), Settings(), None), []
    feed.run(out.append)
    left = {a.id for a in out if isinstance(a, Alert) and a.kind is AlertKind.ASYSTOLE}
    out.clear()
    feed.acknowledge("s", None)
    told = [(a.id, a.state) for a in out if isinstance(a, Alert)]
    assert {(alert_id, AlertState.ACKNOWLEDGED) for alert_id in left} <= set(told)


def test_a_source_that_cannot_be_opened_is_the_callers_error():
    def broken():
        raise MonitorError("no such device")

    with pytest.raises(MonitorError, match="no such device"):
        collect(LocalFeed(broken, Settings()))


@pytest.mark.parametrize("speed", [1.0, None])
def test_stopping_does_not_wait_for_the_analysis_to_be_loaded(speed, monkeypatch):
    monkeypatch.setattr("monitor.feeds.local.load_pipeline", lambda *_: Future())
    feed = LocalFeed(lambda: Simulator("vt", stream="s"), Settings(), speed)
    out = []

    def deliver(message):
        out.append(message)
        if isinstance(message, Status) and message.text == "loading the analysis":
            feed.stop()

    feed.run(deliver)
    assert not any(isinstance(m, End) for m in out)


class Device:
    """A live source: pieces that come at given times of the test's clock, or none."""

    info = INFO

    def __init__(self, stop, lengths):
        self._stop, self._lengths, self.asked = stop, lengths, 0

    def chunks(self):
        start = 0
        for length in self._lengths:
            self.asked += 1
            self._stop.now += 1.0
            yield Samples("s", start, np.zeros((length, 1), np.float32))
            start += length


def followed(lengths, remark=None):
    """Messages of a feed on a live source, a second between pieces."""
    stop = FakeStop()
    feed = LocalFeed(lambda: Device(stop, lengths), Settings(), None, stop.clock, live=True)
    out = []

    def deliver(message):
        out.append(message)
        if remark and isinstance(message, Samples):
            feed.remark(remark)

    feed.run(deliver)
    return out


@pytest.fixture
def loaded(monkeypatch):
    """The analysis is there at once."""

    def at_once(info, settings):
        from monitor.pipeline import Pipeline

        future = Future()
        future.set_result(Pipeline(info, settings))
        return future

    monkeypatch.setattr("monitor.feeds.local.load_pipeline", at_once)


@pytest.mark.usefixtures("loaded")
def test_a_live_source_that_falls_silent_is_said_and_empty_pieces_go_nowhere():
    out = followed([100, 100, 0, 0, 0, 0, 0, 100, 0])
    assert [len(m.values_mv) for m in out if isinstance(m, Samples)] == [100, 100, 100]
    texts = [m.text for m in out if isinstance(m, Status)][2:-1]
    said = [text == "no samples are coming in" for text in texts[1:]]
    assert said == [False, False, False, False, True, True, True, False, False]
    assert out[-2] == End("s", 300)


@pytest.mark.usefixtures("loaded")
def test_remarks_of_a_source_are_shown():
    out = followed([100, 100], "the clock runs fast")
    assert "the clock runs fast" in [m.text for m in out if isinstance(m, Status)]


def test_a_live_source_is_shown_while_the_analysis_is_loading(monkeypatch):
    loading = Future()
    monkeypatch.setattr("monitor.feeds.local.load_pipeline", lambda *_: loading)
    stop = FakeStop()
    device = Device(stop, [100] * 5)
    feed = LocalFeed(lambda: device, Settings(), None, stop.clock, live=True)
    shown = []

    def deliver(message):
        if isinstance(message, Samples):
            shown.append(message)
            if len(shown) == 5:
                feed.stop()

    feed.run(deliver)
    assert device.asked == 5
