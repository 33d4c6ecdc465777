"""Messages lost, doubled, reordered, malformed, with a wrong clock; devices that change."""

import json
import random
import signal
import time
from dataclasses import replace

import pytest
import wfdb
from fault_parts import (
    CHUNK_S,
    analysis_alerts,
    device,
    devices,
    events,
    kind_of,
    over,
    patient,
    shuffled,
    states,
)
from monitor_process import PATIENCE_S, serving, wait_for

from monitor.journal.entries import Query
from monitor.journal.opening import open_reader
from monitor.messages import End, Samples

pytestmark = pytest.mark.slow

HOUR_NS = 3600 * 10**9
# a wall clock that is right 40 times, then an hour ahead, then an hour behind
JUMPING = """
import itertools, time
real, asked = time.time_ns, itertools.count(40)
time.time_ns = lambda: real() + (next(asked) // 40 % 3 - 1) * 3600 * 10**9
time.time = lambda: time.time_ns() / 1e9
"""


@pytest.fixture(scope="module")
def service():
    with serving("--json", patience_s=2 * PATIENCE_S) as (serve, at):
        yield serve, at


def served(serve, control, *streams):
    """Lines of the service when these streams have ended."""
    wait_for(lambda: over(control, streams), f"end of {streams}")
    return serve.until_lines(lambda lines: all(events(lines, name, "end") for name in streams))


def analysed(control, name, sample):
    return states(control).get(name, {}).get("sample") == sample


@pytest.mark.parametrize("percent", [1, 5, 20])
@pytest.mark.parametrize("kind", ["lost", "doubled", "reordered"])
def test_messages_on_a_bad_way(service, survey, tour, kind, percent):
    serve, at = service
    name = f"{kind}-{percent}"
    stream = tour[0].renamed(name)
    order = shuffled(kind, len(stream.chunks), percent / 100, seed=percent)
    assert order != list(range(len(stream.chunks)))
    came = sorted(set(order))
    with device(at["input"]) as sender:
        sender.play(stream, order)
        lines = served(serve, at["control"], name)
    state = states(at["control"])[name]
    missing = len(stream.chunks) - len(came)
    samples = sum(len(stream.chunks[n].values_mv) for n in set(range(len(stream.chunks))) - {*came})
    assert (state["lost_messages"], state["lost_samples"]) == (missing, samples)
    assert state["duplicates"] == len(order) - len(came)
    said = [alert for alert in events(lines, name, "alert") if alert["kind"] == "samples_lost"]
    assert bool(said) == (kind == "lost")
    survey.report(
        f"{percent} % of messages {kind}",
        1,
        1,
        stream.alerts(came),
        analysis_alerts(lines, name),
    )


def test_the_clock_of_a_device_jumps(service, survey, tour):
    serve, at = service
    stream = tour[0].renamed("clock")
    chance = random.Random(0)
    with device(at["input"]) as sender:
        sender.send(sender.frames(stream.info))
        for number, chunk in enumerate(stream.chunks):
            jump_ns = chance.choice((-HOUR_NS, HOUR_NS)) if number % 7 == 0 else 0
            sender.send(sender.frames(chunk, time.time_ns() + jump_ns))
        sender.send(sender.frames(End("clock", stream.chunks[-1].end_sample)))
        lines = served(serve, at["control"], "clock")
    survey.report(
        "clock of the device jumps by an hour",
        1,
        1,
        stream.alerts(),
        analysis_alerts(lines, "clock"),
    )


def test_the_clock_of_the_service_jumps(survey, tour, tmp_path):
    stream, expected = tour
    kept, recorded = tmp_path / "j.db", tmp_path / "recorded"
    options = ["--json", "--journal", str(kept), "--record", str(recorded)]
    with serving(*options, first=JUMPING) as (serve, at), device(at["input"]) as sender:
        sender.send(sender.frames(stream.info))
        for chunk in stream.chunks:
            sender.send(sender.frames(chunk))
        sender.send(sender.end(stream))
        lines = served(serve, at["control"], "tour")
        serve.signal(signal.SIGTERM)
        serve.finish()
    assert not [a["text"] for a in events(lines, "tour", "alert") if a["id"] < 0]
    reader = open_reader(kept)
    try:
        entries = list(reader.entries(Query()))
    finally:
        reader.close()
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    walls_s = [entry.wall_ns / 1e9 for entry in entries]
    assert max(walls_s) - min(walls_s) > 3600  # it has jumped
    assert (
        sum(wfdb.rdheader(str(path.with_suffix(""))).sig_len for path in recorded.glob("*/*.hea"))
        == stream.chunks[-1].end_sample
    )
    got = analysis_alerts(lines, "tour")
    survey.report("clock of the service jumps by an hour", 1, 1, expected, got)


def test_a_device_reconnects_and_repeats_what_it_sent_last(service, survey, tour):
    """Its clock is 0.1 % too fast, what it takes is stamped up to 0.2 s late."""
    serve, at = service
    stream = tour[0].renamed("again")
    chance = random.Random(5)
    parts, repeated = 8, round(5.0 / CHUNK_S)  # no more than may wait for the name at a time
    length = len(stream.chunks) // parts + 1
    for part in range(parts):
        first = max(part * length - repeated, 0)
        chunks = stream.chunks[first : (part + 1) * length]
        with device(at["input"]) as sender:
            sender.send(sender.frames(replace(stream.info, start_sample=chunks[0].start_sample)))
            for chunk in chunks:
                taken_s = chunk.start_sample / stream.info.rate_hz * 1.001 + chance.uniform(0, 0.2)
                stamp_ns = 1_800_000_000 * 10**9 + round(taken_s * 1e9)
                sender.send(sender.frames(replace(chunk, wall_ns=stamp_ns)))
            if part == parts - 1:
                sender.send(sender.end(stream))
            last = chunks[-1].end_sample - 1
            wait_for(lambda n=last: analysed(at["control"], "again", n), f"sample {last}")
    lines = served(serve, at["control"], "again")
    state = states(at["control"])["again"]
    assert (state["lost_messages"], state["lost_samples"], state["refused"]) == (0, 0, 0)
    assert not [alert for alert in events(lines, "again", "alert") if alert["id"] < 0]
    dropped = [gap for gap in events(lines, "again", "gap") if gap["kind"] == "overlap"]
    assert sum(gap["length"] for gap in dropped) == (parts - 1) * 5 * stream.info.rate_hz
    survey.report(
        "a device reconnects, repeats 5 s; drift 0.1 %, jitter 0.2 s",
        parts - 1,
        parts - 1,
        stream.alerts(),
        analysis_alerts(lines, "again"),
    )


def test_ten_thousand_malformed_messages(service, survey, tour):
    serve, at = service
    stream = tour[0].renamed("beset")
    chance = random.Random(1)
    with device(at["input"]) as good, device(at["input"]) as bad:
        models = [bad.frames(chunk) for chunk in stream.chunks[:20]] + [bad.frames(stream.info)]
        good.send(good.frames(stream.info))
        per_chunk = 10_000 // len(stream.chunks) + 1
        sent = 0
        for chunk in stream.chunks:
            for _ in range(min(per_chunk, 10_000 - sent)):
                bad.send(malformed(chance, chance.choice(models)))
                sent += 1
            good.send(good.frames(chunk))
        assert sent == 10_000
        good.send(good.frames(End("beset", stream.chunks[-1].end_sample)))
        lines = served(serve, at["control"], "beset")
    survey.report(
        "10,000 malformed messages beside a stream",
        1,
        1,
        stream.alerts(),
        analysis_alerts(lines, "beset"),
    )


def malformed(chance, frames):
    """Break a valid message so that it cannot be taken for one."""
    frames = [bytearray(frame) for frame in frames]
    kind = chance.randrange(6)
    if kind == 0:
        frames = [bytearray(chance.randbytes(chance.randrange(1, 200))) for _ in frames]
    elif kind == 1:
        frames[1] = frames[1][: chance.randrange(len(frames[1]))]
    elif kind == 2:
        frames.append(bytearray(b"more"))
    elif kind == 3:
        frames[0] = bytearray(b"samples." + chance.randbytes(8))
    elif kind == 4:
        frames[1] = bytearray(b"[" * chance.randrange(1, 5000))
    else:
        frames[1] = bytearray(frames[1].replace(b'"schema":1', b'"schema":9'))
    return [bytes(frame) for frame in frames]


@pytest.mark.parametrize("change", ["rate", "leads"])
def test_a_stream_changes_half_way(service, survey, change):
    serve, at = service
    name = f"changes-{change}"
    before = patient(name, "tour")
    half = len(before.chunks) // 2
    at_sample = before.chunks[half].start_sample
    if change == "leads":
        after = replace(
            before,
            info=replace(before.info, leads=before.info.leads[:1], start_sample=at_sample),
            chunks=tuple(
                Samples(name, chunk.start_sample, chunk.values_mv[:, :1])
                for chunk in before.chunks[half:]
            ),
        )
    else:
        after = replace(before, info=replace(before.info, rate_hz=180.0, start_sample=at_sample))
        after = replace(
            after,
            chunks=tuple(
                Samples(name, at_sample + n * 45, chunk.values_mv[::2])
                for n, chunk in enumerate(before.chunks[half:])
            ),
        )
    with device(at["input"]) as sender:
        sender.send(sender.frames(before.info), *map(sender.frames, before.chunks[:half]))
        sender.send(sender.frames(after.info), *map(sender.frames, after.chunks))
        sender.send(sender.frames(End(name, after.chunks[-1].end_sample)))
        lines = served(serve, at["control"], name)
    got = [kind_of(line) for line in analysis_alerts(lines, name)]
    first, second = before.alerts(range(half)), after.alerts()
    # the numbers of the second analysis go on, and what the first left active is cleared; a lethal
    # alarm that nobody has acknowledged stays
    active = {}
    for line in first:
        number = json.loads(line)["id"]
        active.pop(number, None)
        active[number] = line
    left = [
        line
        for line in active.values()
        if json.loads(line)["state"] != "cleared" and json.loads(line)["priority"] != "high"
    ]
    expected = [*map(kind_of, first), *(kind_of(line, "cleared") for line in left)]
    expected += map(kind_of, second)
    survey.report(f"{change} of a stream change half-way", 1, 1, expected, got)


def test_a_hundred_streams_at_once(service, survey):
    serve, at = service
    one = patient("one", "vt")
    one = replace(one, chunks=one.chunks[: round(30.0 / CHUNK_S)])
    alerts = one.alerts()
    assert any(json.loads(line)["kind"] == "vt" for line in alerts)
    streams = [one.renamed(f"bed-{n:03d}") for n in range(100)]
    names = [stream.info.stream for stream in streams]
    with devices(at["input"], len(streams)) as senders:
        pairs = list(zip(senders, streams, strict=True))
        for sender, stream in pairs:
            sender.send(sender.frames(stream.info))
        for position in range(len(one.chunks)):
            for sender, stream in pairs:
                sender.send(sender.frames(stream.chunks[position]))
        for sender, stream in pairs:
            sender.send(sender.end(stream))
        lines = served(serve, at["control"], *names)
    expected = [line.replace('"one"', f'"{name}"') for name in names for line in alerts]
    got = [line for name in names for line in analysis_alerts(lines, name)]
    survey.report("100 streams connect at once", 100, len(names), expected, got)
