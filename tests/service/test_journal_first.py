"""The service journals first: nothing is published or confirmed that is not on the disk."""

import sqlite3

import pytest
from journal_parts import journal, written
from service_parts import EveryHundred, Sender

from monitor.errors import MonitorError
from monitor.journal.entries import Query, is_kept
from monitor.journal.opening import open_reader
from monitor.journal.sqlite.store import SqliteStore
from monitor.messages import Alert, AlertKind, AlertState, End, StreamInfo
from monitor.service.hub import Hub
from monitor.service.loop import EndWhen, Service
from monitor.wire.frames import decode
from monitor.wire.protocol import Limits, StreamState, body_from_dict


class Sockets:
    """In place of sockets: hands out turns of messages, and looks into the journal at each send."""

    def __init__(self, path, turns, requests=()):
        self.path = path
        self.turns = list(turns)
        self.requests = list(requests)
        self.published = []
        self.replies = []
        self.on_disk_at_reply = []
        self.early = []

    def wants(self, topic):
        return True

    def on_disk(self):
        reader = open_reader(self.path)
        try:
            return [entry.number for entry in reader.entries(Query())]
        finally:
            reader.close()

    def open_input(self):
        pass

    def wait(self, timeout_s):
        return True

    def receive(self, limit):
        return [(frames, "") for frames in (self.turns.pop(0) if self.turns else [])]

    refusals = 0

    def newcomers(self):
        return False

    def request(self):
        if not self.requests or self.turns:
            return None
        return self.requests.pop(0), lambda right: True

    def reply(self, text):
        self.on_disk_at_reply.append(self.on_disk())
        self.replies.append(text)

    def publish(self, frames):
        packet = decode(frames)
        self.published.append(packet)
        if packet.mark and packet.mark.number not in self.on_disk():
            self.early.append(packet)


def serve(path, kept, turns, requests=()):
    sockets = Sockets(path, turns, requests)
    said = []
    clock = iter(range(10_000))
    service = Service(
        Hub(EveryHundred, "service", said.append), sockets, "service", None, kept,
        lambda: next(clock) / 100,
    )  # fmt: skip
    service.run(EndWhen(done=not requests, idle_s=0.5))
    return sockets


def test_what_is_published_is_on_the_disk(tmp_path):
    path, one, two = tmp_path / "j.db", Sender("one", "a"), Sender("two", "b")
    turns = [
        [one.announce(), two.announce(), one.samples(2500), two.samples(1500)],
        [one.samples(2500), two.end(), one.end()],
    ]
    with journal(path) as kept:
        sockets = serve(path, kept, turns)
    assert sockets.early == []
    marked = [packet for packet in sockets.published if packet.mark]
    assert [p.body for p in marked] == [p.body for p in sockets.published if is_kept(p.body)]
    assert [p.mark.number for p in marked] == list(range(1, len(marked) + 1))
    assert {type(p.body) for p in marked} == {StreamInfo, Alert, End}
    last = {}
    for packet in sockets.published:
        if packet.mark:
            assert packet.mark.before == last.get(packet.body.stream, 0)
            last[packet.body.stream] = packet.mark.number
        elif isinstance(packet.body, StreamState):
            assert packet.body.journal_last == last[packet.body.stream]
    reader = open_reader(path)
    assert [body_from_dict(e.fields()) for e in reader.entries(Query())] == [p.body for p in marked]
    reader.close()


def test_a_turn_is_one_transaction(tmp_path, monkeypatch):
    senders = [Sender(f"sender-{n}", f"bed-{n}", leads=1) for n in range(30)]
    turns = [[s.announce() for s in senders], [s.samples(1000) for s in senders]]
    with journal(tmp_path / "j.db") as kept:
        commits = []
        append = SqliteStore.append

        def counted(store, batch, *rest):
            if batch:
                commits.append(len(batch))
            append(store, batch, *rest)

        monkeypatch.setattr(SqliteStore, "append", counted)
        serve(tmp_path / "j.db", kept, turns)
    assert commits[:2] == [30, 30]


def test_an_acknowledgement_and_limits_are_on_the_disk_before_they_are_confirmed(tmp_path):
    path, sender = tmp_path / "j.db", Sender()
    requests = [
        b'{"schema":1,"command":"acknowledge","stream":"a","alert_id":null}',
        b'{"schema":1,"command":"limits","stream":"a","set":{"hr_high_bpm":130}}',
    ]
    with journal(path) as kept:
        sockets = serve(path, kept, [[sender.announce(), sender.samples(1500)]], requests)
        entries = kept.page(Query(), 100)
    assert all(b'"ok":true' in reply for reply in sockets.replies)
    acknowledged = next(e for e in entries if e.draft.state == AlertState.ACKNOWLEDGED)
    limits = next(e for e in entries if e.draft.kind == "limits")
    assert body_from_dict(limits.fields()).limits.hr_high_bpm == 130.0
    assert acknowledged.number in sockets.on_disk_at_reply[0]
    assert limits.number in sockets.on_disk_at_reply[1]
    assert any(isinstance(p.body, Limits) for p in sockets.published)


@pytest.mark.slow
def test_alarms_are_published_while_the_disk_is_locked_and_stored_afterwards(tmp_path):
    path, sender = tmp_path / "j.db", Sender()
    with journal(path, retry_s=0.01) as kept:
        locker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        locker.execute("BEGIN EXCLUSIVE")
        turns = [[sender.announce()], *([sender.samples(200)] for _ in range(400))]
        unlock_at = 200

        class Watched(Sockets):
            def receive(self, limit):
                if len(self.turns) == unlock_at:
                    locker.close()
                    written(kept)
                return super().receive(limit)

            def on_disk(self):
                return []

        sockets = Watched(path, turns)
        said = []
        clock = iter(range(100_000))
        hub = Hub(EveryHundred, "service", said.append)
        service = Service(hub, sockets, "service", None, kept, lambda: next(clock) / 100)
        service.run(EndWhen(idle_s=0.5))
    alerts = [p.body for p in sockets.published if isinstance(p.body, Alert)]
    assert sum(a.kind is AlertKind.VT for a in alerts) == 80
    storage = [a.state for a in alerts if a.kind is AlertKind.STORAGE_FAILED]
    assert storage == [AlertState.RAISED, AlertState.CLEARED]
    reader = open_reader(path)
    stored = [body_from_dict(e.fields()) for e in reader.entries(Query())]
    reader.close()
    assert stored == [p.body for p in sockets.published if is_kept(p.body)]
    assert any("being stored" not in line and "journal:" in line for line in said)


def test_an_output_that_fails_is_an_alarm_and_what_it_could_not_send_is_in_the_journal(tmp_path):
    path = tmp_path / "journal.db"
    sender = Sender()
    with journal(path) as kept:
        turns = [[sender.announce()], *([sender.samples(200)] for _ in range(400))]

        class Failing(Sockets):
            def on_disk(self):
                return []

            def publish(self, frames):
                if 100 < len(self.turns) < 200:
                    raise MonitorError("cannot publish: out of memory")
                super().publish(frames)

        sockets = Failing(path, turns)
        said = []
        clock = iter(range(100_000))
        hub = Hub(EveryHundred, "service", said.append)
        service = Service(hub, sockets, "service", None, kept, lambda: next(clock) / 100)
        service.run(EndWhen(idle_s=0.5))
        reader = open_reader(path)
        alerts = [body_from_dict(e.fields()) for e in reader.entries(Query())]
        reader.close()
    alerts = [a for a in alerts if isinstance(a, Alert)]
    assert sum(a.kind is AlertKind.VT for a in alerts) == 80
    failed = [a for a in alerts if a.kind is AlertKind.PUBLISHER_FAILED]
    assert [a.state for a in failed] == [AlertState.RAISED, AlertState.CLEARED]
    assert "out of memory" in failed[0].text
    assert failed[1] in [p.body for p in sockets.published]
    assert [line for line in said if line.startswith("output: ")] == [
        "output: cannot publish: out of memory",
        "output: results are published again",
    ]
