"""Following a service across sockets: late, over losses and over a restart, no hole, no double."""

import contextlib
import random
import threading
import time

import pytest
from journal_parts import journal
from running import PATIENCE_S, Running, chunks, listening, publish, raw_source
from service_parts import Sender

from monitor.dashboard.stream_state import StreamState as Shown
from monitor.feeds.feed import Status
from monitor.feeds.remote import SubscriberFeed
from monitor.journal.entries import Query
from monitor.messages import Alert, AlertState, End, Samples, StreamInfo
from monitor.service.memory import recalled
from monitor.wire import follow
from monitor.wire.follow import Follower
from monitor.wire.protocol import JOURNALLED, Heartbeat, StreamState, body_from_dict
from monitor.wire.subscriber import ControlClient, Subscription

pytestmark = pytest.mark.usefixtures("unhurried_service")


@pytest.fixture
def unhurried(monkeypatch):
    """However slow the machine is, the journal's answer is waited for."""
    monkeypatch.setattr(follow, "PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr(follow, "GREETING_S", PATIENCE_S)


class Lossy(Subscription):
    """A subscription that loses messages."""

    def __init__(self, endpoint, loss):
        super().__init__(endpoint, (*JOURNALLED, "state"))
        self._loss = loss
        self._draw = random.Random(4)

    def receive(self, limit=200):
        return [p for p in super().receive(limit) if self._draw.random() >= self._loss]


class Reading:
    """A follower that reads until a test holds."""

    def __init__(self, running, since=None, loss=0.0, control=None):
        self.stack = contextlib.ExitStack()
        self.subscription = self.stack.enter_context(Lossy(running.output, loss))
        client = self.stack.enter_context(
            contextlib.closing(ControlClient(control or running.control))
        )
        self.follower = Follower(self.subscription, client, since)
        self.packets = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def until(self, test):
        give_up = threading.Event()
        guard = threading.Timer(PATIENCE_S, give_up.set)
        guard.start()
        try:
            while not test(self):
                assert not give_up.is_set(), (self.follower.problem, self.packets[-3:])
                self.follower.wait(0.1)
                self.packets += self.follower.receive()
        finally:
            guard.cancel()

    def numbers(self):
        return [packet.mark.number for packet in self.packets if packet.mark]

    def bodies(self):
        return [packet.body for packet in self.packets if packet.mark]

    def ends(self):
        return [body for body in self.bodies() if isinstance(body, End)]

    def has(self, kind):
        return any(isinstance(packet.body, kind) for packet in self.packets)


def kept_in(opened):
    return [body_from_dict(entry.fields()) for entry in opened.page(Query(), 100_000)]


@pytest.mark.slow
@pytest.mark.parametrize("since", [0, 3])
@pytest.mark.usefixtures("unhurried")
def test_a_latecomer_gets_all_that_was_and_all_that_comes(tmp_path, since):
    with journal(tmp_path / "j.db") as kept, Running(journal=kept) as running:
        publish(running, StreamInfo("a", 200.0, ("II",)), chunks("a", 1, 1000))
        with Reading(running, since) as reading:
            reading.until(lambda r: len(r.numbers()) >= 10)
            publish(running, StreamInfo("b", 200.0, ("II",)), chunks("b", 1, 100))
            reading.until(lambda r: {End("a", 50_000), End("b", 5000)} <= set(r.ends()))
        assert reading.numbers() == list(range(since + 1, kept.last + 1))
        assert reading.bodies() == kept_in(kept)[since:]


@pytest.mark.usefixtures("unhurried")
def test_whoever_joins_gets_what_is_active_and_then_all_that_comes(tmp_path):
    with journal(tmp_path / "j.db") as kept, Running(journal=kept) as running:
        with raw_source(running) as source:
            sender = Sender(leads=1)
            with listening(running) as listener:
                source.send_multipart(sender.announce())
                source.send_multipart(sender.samples(2500))
                listener.until(Alert, lambda alert: alert.id == 1)
            with Reading(running) as reading:
                reading.until(lambda r: r.follower.answered and r.has(StreamState))
                joined = kept.last
                for _ in range(30):
                    source.send_multipart(sender.samples(500))
                source.send_multipart(sender.end())
                reading.until(lambda r: r.has(End))
        active = [
            a for p in reading.packets if isinstance(p.body, StreamState) for a in p.body.alerts
        ]
        assert [(a.id, a.state) for a in active] == [
            (0, AlertState.RAISED),
            (1, AlertState.RAISED),
        ]
        assert reading.numbers() == list(range(joined + 1, kept.last + 1))


@pytest.mark.slow
@pytest.mark.usefixtures("unhurried")
def test_what_is_lost_on_the_way_is_asked_for(tmp_path):
    with journal(tmp_path / "j.db") as kept, Running(journal=kept) as running:
        with Reading(running, 0, loss=0.3) as reading:
            reading.until(lambda r: r.has(Heartbeat))
            for stream in "abc":
                publish(running, StreamInfo(stream, 200.0, ("II",)), chunks(stream, 1, 1000))
            reading.until(lambda r: len(r.ends()) == 3 and len(r.numbers()) == kept.last)
        expected = kept_in(kept)
        assert len(expected) == 3 * (1 + 50 + 1)
        for stream in "abc":
            assert [b for b in reading.bodies() if b.stream == stream] == [
                b for b in expected if b.stream == stream
            ]
        assert len(set(reading.numbers())) == kept.last
        assert reading.subscription.sequences.total().received > 0


@pytest.mark.slow
@pytest.mark.usefixtures("unhurried")
def test_over_a_restart_nothing_is_missed_and_nothing_comes_twice(tmp_path):
    path = tmp_path / "j.db"
    with contextlib.ExitStack() as stack:
        with journal(path) as kept, Running(journal=kept, name="first") as first:
            reading = stack.enter_context(Reading(first))
            reading.until(lambda r: r.follower.answered)
            publish(first, StreamInfo("a", 200.0, ("II",)), chunks("a", 1, 100))
            reading.until(lambda r: r.has(End))
        with journal(path) as kept, Running(journal=kept, before=first, name="second") as second:
            # the subscriber is not back yet: what is published now it must ask for
            publish(second, StreamInfo("b", 200.0, ("II",)), chunks("b", 1, 100))
            reading.until(lambda r: End("b", 5000) in r.bodies())
            publish(second, StreamInfo("c", 200.0, ("II",)), chunks("c", 1, 100))
            reading.until(lambda r: End("c", 5000) in r.bodies())
            assert reading.numbers() == list(range(1, kept.last + 1))
            assert reading.bodies() == kept_in(kept)


def test_where_nobody_answers_it_gives_what_comes(tmp_path):
    with journal(tmp_path / "j.db") as kept, Running(journal=kept) as running:
        with Reading(running, control="tcp://127.0.0.1:9") as reading:
            reading.until(lambda r: r.has(Heartbeat))
            publish(running, StreamInfo("a", 200.0, ("II",)), chunks("a", 1, 100))
            reading.until(lambda r: r.has(End))
        assert reading.numbers() == list(range(1, kept.last + 1))


def test_another_service_s_control_socket_is_noticed(tmp_path):
    with (
        journal(tmp_path / "j.db") as kept,
        journal(tmp_path / "k.db") as other_kept,
        Running(journal=kept, name="one") as running,
        Running(journal=other_kept, name="other") as other,
        Reading(running, 0, control=other.control) as reading,
    ):
        reading.until(lambda r: r.follower.problem)
    assert "another service" in reading.follower.problem
    assert not reading.follower.answered


@pytest.mark.slow
def test_without_a_journal_alerts_come_as_before():
    with Running() as running, raw_source(running) as source:
        sender = Sender(leads=1)
        with listening(running) as listener:
            source.send_multipart(sender.announce())
            source.send_multipart(sender.samples(2500))
            listener.until(Alert, lambda alert: alert.id == 1)
        with Reading(running) as reading:
            reading.until(lambda r: r.follower.problem)
            assert "no journal" in reading.follower.problem
            reading.until(lambda r: r.has(StreamState))
            source.send_multipart(sender.samples(1000))
            reading.until(lambda r: r.has(Alert))
            reading.until(lambda r: sum(isinstance(p.body, StreamState) for p in r.packets) > 2)
    found = []
    for packet in reading.packets:
        found += packet.body.alerts if isinstance(packet.body, StreamState) else ()
        found += [packet.body] if isinstance(packet.body, Alert) else ()
    assert [(a.id, a.seq) for a in found] == [(0, 0), (1, 1), (2, 2)]


class Watching:
    """A dashboard's feed in a thread; ``entries`` is what ``seen`` made of each message."""

    def __init__(self, running, seen=lambda message: message):
        self.entries = []
        self._seen = seen
        self._news = threading.Condition()
        self._feed = SubscriberFeed(running.output, running.control)
        self._thread = threading.Thread(target=self._feed.run, args=(self._deliver,))

    def _deliver(self, message):
        with self._news:
            self.entries.append(self._seen(message))
            self._news.notify_all()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._feed.stop()
        self._thread.join(PATIENCE_S)

    def until(self, test, since=0):
        """Wait until an entry passes a test; give how many there are."""
        with self._news:
            assert self._news.wait_for(lambda: any(map(test, self.entries[since:])), PATIENCE_S)
            return len(self.entries)


def connected(message):
    return isinstance(message, Status) and "connected" in message.text


@pytest.mark.slow
@pytest.mark.usefixtures("unhurried")
def test_the_dashboard_s_feed_gets_every_alert_over_a_restart(tmp_path):
    path = tmp_path / "j.db"
    with contextlib.ExitStack() as stack:
        with journal(path) as kept, Running(journal=kept, name="first") as first:
            watching = stack.enter_context(Watching(first))
            watching.until(connected)
            publish(first, StreamInfo("a", 200.0, ("II",)), chunks("a", 1, 100))
            watching.until(lambda m: isinstance(m, End))
        with journal(path) as kept, Running(journal=kept, before=first, name="second") as second:
            for stream in "bc":
                publish(second, StreamInfo(stream, 200.0, ("II",)), chunks(stream, 1, 100))
                watching.until(lambda m, stream=stream: m == End(stream, 5000))
            expected = [body for body in kept_in(kept) if isinstance(body, Alert)]
            watching.until(lambda m: m == expected[-1])  # the state may tell of the end before
    assert [m for m in watching.entries if isinstance(m, Alert)] == expected


@pytest.mark.slow
@pytest.mark.usefixtures("unhurried")
def test_a_display_shows_what_is_active_over_a_restart(tmp_path):
    """The stream is introduced again, by the state and when it goes on: the alarm stays."""
    path, stream, sender = tmp_path / "j.db", Shown("a"), Sender(leads=1)

    def seen(message):
        if message.stream == "a" and not isinstance(message, Status):
            stream.fold(message, 0.0)
        return message, set(stream.active)

    with contextlib.ExitStack() as stack:
        with journal(path) as kept, Running(journal=kept, name="first") as first:
            watching = stack.enter_context(Watching(first, seen))
            watching.until(lambda entry: connected(entry[0]))
            with raw_source(first) as source:
                source.send_multipart(sender.announce())
                source.send_multipart(sender.samples(1050))
                before = watching.until(lambda entry: 0 in entry[1])
        with journal(path) as kept:
            second = Running(journal=kept, before=first, name="second")
            second.hub.restore(recalled(kept.memories, 0)[0], time.monotonic())
            with second, raw_source(second) as source:
                # the state introduces it
                watching.until(lambda entry: isinstance(entry[0], StreamInfo), before)
                restored = watching.until(lambda entry: 0 in entry[1], before)
                source.send_multipart(sender.samples(100))
                watching.until(lambda entry: isinstance(entry[0], StreamInfo), restored)
                # the introduction and what is active come one after the other
                watching.until(lambda entry: isinstance(entry[0], Samples), restored)
                watching.until(lambda entry: 0 in entry[1], len(watching.entries) - 1)
