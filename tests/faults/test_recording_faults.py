"""What is recorded when the recorder is killed, its disk full or slow: valid, and how much."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import wfdb
from fault_parts import analysis_alerts, device, events, full, over
from monitor_process import serving, wait_for

from monitor.config import RecordingSettings
from monitor.messages import End, Samples, StreamInfo
from monitor.recording import thread as recording_thread
from monitor.recording.recorder import Recorder

pytestmark = pytest.mark.slow

KILLS = 4
RATE_HZ = 360
STEP_MV = 0.001
BLOCK = 18
# a monitor in small: 18 samples each 50 ms, whose value is their index, and a beat at the first of
# them; told when handed over
RECORDS = """
import sys, time
from pathlib import Path
import numpy as np
from monitor.config import RecordingSettings
from monitor.messages import AamiClass, Beat, Samples, StreamInfo
from monitor.recording.thread import RecordingThread
sure = (1.0, 0.0, 0.0, 0.0, 0.0)
recording = RecordingThread(Path(sys.argv[1]), RecordingSettings(), print)
recording.deliver(StreamInfo("bed-7", 360.0, ("II",)))
began, at = time.monotonic(), 0
while True:
    values = (np.arange(at, at + 18, dtype=np.float32) % 30000 / 1000)[:, None]
    recording.deliver(Samples("bed-7", at, values))
    recording.deliver(Beat("bed-7", at, at + 17, AamiClass.N, sure, None, 0, "test"))
    at += 18
    print(at, flush=True)
    time.sleep(max(0, began + at / 360 - time.monotonic()))
"""


def stored(folder, stream):
    """Every record of a stream: its place, and its signal."""
    for path in sorted((folder / stream).glob("*.hea")):
        record = wfdb.rdrecord(str(path.with_suffix("")))
        yield int(record.base_counter), record.p_signal


def beats_of(folder, stream):
    """Samples of the beats that are annotated in the one record of a stream."""
    (path,) = (folder / stream).glob("*.mon")
    found = wfdb.rdann(str(path.with_suffix("")), "mon")
    return [int(s) for s, symbol in zip(found.sample, found.symbol, strict=True) if symbol == "N"]


def recorded(folder, stream):
    """How many samples of a stream are stored by now."""
    return sum(len(signal) for _, signal in stored(folder, stream))


def test_a_recorder_is_killed(survey, tmp_path):
    chance = random.Random(4)
    missing_s, survived, recovery_s = [], 0, 0.0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        with subprocess.Popen(
            [sys.executable, "-c", RECORDS, str(folder)], stdout=subprocess.PIPE, text=True
        ) as process:
            until = chance.randint(RATE_HZ, 3 * RATE_HZ)
            handed = next(at for at in map(int, process.stdout) if at >= until)
            # it comes to the disk while more is handed over
            wait_for(lambda at=handed, f=folder: recorded(f, "bed-7") >= at, "the recording")
            until = recorded(folder, "bed-7") + chance.randint(0, RATE_HZ)
            handed = next(at for at in map(int, process.stdout) if at >= until)
            process.send_signal(signal.SIGKILL)
            handed = max([handed, *map(int, process.stdout)])
        ((_, before),) = stored(folder, "bed-7")  # as it is found, before any recovery
        beats = beats_of(folder, "bed-7")
        began_s = time.monotonic()
        Recorder(folder, RecordingSettings(), print).close()
        recovery_s = max(recovery_s, time.monotonic() - began_s)
        ((start, after),) = stored(folder, "bed-7")
        true = np.arange(len(after)) % 30000 / 1000
        whole = start == 0 and abs(after[:, 0] - true).max() < STEP_MV / 2
        whole = whole and beats == list(range(0, BLOCK * len(beats), BLOCK))
        whole = whole and beats_of(folder, "bed-7")[: len(beats)] == beats
        survived += bool(whole and (after[: len(before)] == before).all())
        missing_s.append((handed - min(len(before), BLOCK * len(beats))) / RATE_HZ)
    least_s, most_s = min(missing_s), max(missing_s)
    fault = f"kill -9 while recording: {least_s:.2f} to {most_s:.2f} s of signal or beats missing"
    survey.report(fault, KILLS, survived, recovery_s=recovery_s)


def test_the_disk_of_the_recording_is_full(survey, tour, small_disk):
    stream, expected = tour
    signal_mv = np.concatenate([chunk.values_mv for chunk in stream.chunks])
    third = len(stream.chunks) // 3

    def storage(state):
        def told(lines):
            alerts = events(lines, "tour", "alert")
            return ("storage_failed", state) in [(a["kind"], a["state"]) for a in alerts]

        return told

    options = ["--json", "--record", str(small_disk)]
    with serving(*options) as (serve, at), device(at["input"]) as sender:
        sender.send(sender.frames(stream.info), *map(sender.frames, stream.chunks[:third]))
        first = stream.chunks[third - 1].end_sample
        wait_for(lambda: recorded(small_disk, "tour") == first, "the first third")
        with full(small_disk):
            for chunk in stream.chunks[third : 2 * third]:
                sender.send(sender.frames(chunk))
                time.sleep(0.02)  # over some turns and flushes
            serve.until_lines(storage("raised"))
        healed_s = time.monotonic()
        serve.until_lines(storage("cleared"))
        recovery_s = time.monotonic() - healed_s
        sender.send(*map(sender.frames, stream.chunks[2 * third :]))
        sender.send(sender.end(stream))
        wait_for(lambda: over(at["control"], ["tour"]), "end of the stream")
        lines = serve.until_lines(lambda lines: events(lines, "tour", "end"))
        serve.signal(signal.SIGTERM)
        serve.finish()
    found = analysis_alerts(lines, "tour")
    known = np.zeros(len(signal_mv), bool)
    for start, values in stored(small_disk, "tour"):
        true = signal_mv[start : start + len(values)]
        error = abs(values - true)
        assert np.array_equal(np.isnan(values), np.isnan(true))
        assert np.nanmax(error) < STEP_MV / 2 + 1e-5
        known[start : start + len(values)] = True
    for part in (stream.chunks[0], stream.chunks[third - 1], stream.chunks[-1]):
        assert known[part.start_sample : part.end_sample].all()
    assert not [p for p in small_disk.glob("tour/*") if p.suffix in (".open", ".tmp")]
    survey.report("disk of the recording full", 1, 1, expected, found, recovery_s)


def test_a_disk_that_does_not_answer_delays_nobody(survey, tmp_path, monkeypatch):
    """Writing hangs; samples go on being taken, memory stays bounded, and it is said."""
    hangs, real = threading.Event(), os.pwrite
    hangs.set()

    def slow(*arguments):
        while not stop.is_set() and hangs.is_set():
            stop.wait(0.01)
        return real(*arguments)

    stop = threading.Event()
    monkeypatch.setattr(os, "pwrite", slow)
    monkeypatch.setattr(recording_thread, "MAX_WAITING_BYTES", 400_000)
    said = []
    recording = recording_thread.RecordingThread(tmp_path, RecordingSettings(), said.append)
    recording.deliver(StreamInfo("bed-7", RATE_HZ, ("II",)))
    values = np.zeros((RATE_HZ, 1), np.float32)
    for second in range(1000):
        recording.deliver(Samples("bed-7", second * RATE_HZ, values))
    assert recording.problems() == {"bed-7": "the disk is too slow"}
    hangs.clear()
    wait_for(lambda: recording.idle, "the queue to empty")
    recording.deliver(Samples("bed-7", 1000 * RATE_HZ, values))
    wait_for(lambda: recording.problems() == {}, "all to be well")
    recording.deliver(End("bed-7", 1001 * RATE_HZ))
    recording.close()
    pieces = [(start, len(signal)) for start, signal in stored(tmp_path, "bed-7")]
    assert pieces[0][0] == 0
    assert sum(pieces[-1]) == 1001 * RATE_HZ
    assert sum(length for _, length in pieces) < 500 * RATE_HZ
    survey.report("disk of the recording hangs", 1, 1)
