"""The journal's disk is full, its file is locked: nothing is lost, alarms do not wait."""

import contextlib
import json
import signal
import sqlite3
import time
from contextlib import ExitStack

import pytest
from fault_parts import analysis_alerts, device, events, full, over
from monitor_process import running, serving, wait_for

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def locked(journal):
    """Another process holds the journal's file."""
    connection = sqlite3.connect(journal, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def journalled(journal):
    with running("history", "--journal", str(journal), "--format", "json") as history:
        return history.finish()


def storage(lines, state):
    return [
        alert
        for alert in events(lines, "tour", "alert")
        if (alert["kind"], alert["state"]) == ("storage_failed", state)
    ]


def in_trouble(survey, tour, fault, journal, trouble, *more):
    stream, expected = tour
    half = len(stream.chunks) // 2
    options = ["--json", "--journal", str(journal), *more]
    with serving(*options, hurried=True) as (serve, at), device(at["input"]) as sender:
        sender.send(sender.frames(stream.info), *map(sender.frames, stream.chunks[:20]))
        serve.until_lines(lambda lines: events(lines, "tour", "alert"))
        with trouble:
            for number, chunk in enumerate(stream.chunks[20:half]):
                sender.send(sender.frames(chunk))
                if number % 20 == 0:
                    time.sleep(0.1)  # over some turns and some ticks of the service
            serve.until_lines(lambda lines: storage(lines, "raised"))
            seen = len(expected) // 4
            serve.until_lines(lambda lines: len(analysis_alerts(lines, "tour")) > seen)
        healed_s = time.monotonic()
        serve.until_lines(lambda lines: storage(lines, "cleared"))
        recovery_s = time.monotonic() - healed_s
        sender.send(*map(sender.frames, stream.chunks[half:]))
        sender.send(sender.end(stream))
        wait_for(lambda: over(at["control"], ["tour"]), "end of the stream")
        serve.until_lines(lambda lines: events(lines, "tour", "end"))
        serve.signal(signal.SIGTERM)
        lines = serve.finish()
    assert analysis_alerts(lines, "tour") == expected
    kept = [json.loads(line) for line in journalled(journal)]
    numbers = [entry["journal"] for entry in kept]
    assert numbers == sorted(set(numbers))
    published = [(e["id"], e["seq"], e["text"]) for e in events(lines, "tour", "alert")]
    stored = [(e["id"], e["seq"], e["text"]) for e in kept if e["type"] == "alert"]
    survey.report(fault, 1, 1, published, stored, recovery_s)


def test_the_disk_is_full(survey, tour, small_disk):
    in_trouble(survey, tour, "disk full", small_disk / "journal.db", full(small_disk))


@pytest.mark.parametrize("earlier", [True, False], ids=["journal", "no journal yet"])
def test_the_disk_is_full_when_the_service_starts(survey, tour, small_disk, earlier):
    """It watches all the same, says that nothing is kept, and keeps it when there is room."""
    stream, expected = tour
    journal, before = small_disk / "journal.db", []
    half = len(stream.chunks) // 2
    other = stream.renamed("other")
    if earlier:
        with serving("--journal", str(journal)) as (serve, at), device(at["input"]) as sender:
            sender.send(sender.frames(other.info), *map(sender.frames, other.chunks[:half]))
            sender.send(sender.end(other))
            wait_for(lambda: over(at["control"], ["other"]), "end of the first stream")
            serve.signal(signal.SIGTERM)
            serve.finish()
        before = journalled(journal)
        assert len(before) > 20
    with ExitStack() as stack:
        disk = stack.enter_context(ExitStack())
        disk.enter_context(full(small_disk))
        serve, at = stack.enter_context(serving("--json", "--journal", str(journal), hurried=True))
        sender = stack.enter_context(device(at["input"]))
        sender.send(sender.frames(stream.info), *map(sender.frames, stream.chunks[:half]))
        serve.until_lines(lambda lines: storage(lines, "raised"))
        serve.until_lines(lambda lines: len(analysis_alerts(lines, "tour")) > len(expected) // 4)
        disk.close()
        healed_s = time.monotonic()
        serve.until_lines(lambda lines: storage(lines, "cleared"))
        recovery_s = time.monotonic() - healed_s
        sender.send(*map(sender.frames, stream.chunks[half:]), sender.end(stream))
        serve.until_lines(lambda lines: events(lines, "tour", "end"))
        serve.signal(signal.SIGTERM)
        lines = serve.finish()
    assert analysis_alerts(lines, "tour") == expected
    kept = journalled(journal)
    assert kept[: len(before)] == before
    stored = [json.loads(line) for line in kept]
    numbers = [entry["journal"] for entry in stored]
    assert numbers == list(range(1, len(numbers) + 1))
    published = [(e["id"], e["seq"], e["text"]) for e in events(lines, "tour", "alert")]
    found = [e for e in stored if (e["stream"], e["type"]) == ("tour", "alert")]
    fault = f"disk full at the start ({'a' if earlier else 'no'} journal there)"
    survey.report(
        fault, 1, 1, published, [(e["id"], e["seq"], e["text"]) for e in found], recovery_s
    )


def test_the_journal_is_locked(survey, tour, tmp_path):
    journal = tmp_path / "journal.db"
    in_trouble(survey, tour, "SQLite locked by another process", journal, locked(journal))
