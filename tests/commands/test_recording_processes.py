"""Streams stored by a real service, compared with what `annotate` writes of the same record."""

import json
import shutil
import signal

import numpy as np
import pytest
import wfdb
import zmq
from monitor_process import PATIENCE_S, running, serving, wait_for

from monitor.cli import main
from monitor.errors import FAILED
from monitor.sources.simulator import Simulator, simulate

pytestmark = pytest.mark.slow

MINUTES = 7  # scoring begins at 5:00
HALF_A_STEP_MV = 0.0005001


@pytest.fixture(scope="module")
def reference(data_dir, tmp_path_factory):
    """The first minutes of a record with its reference annotations, and what annotate finds."""
    folder, out = tmp_path_factory.mktemp("reference"), tmp_path_factory.mktemp("annotated")
    whole = wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=MINUTES * 60 * 360)
    wfdb.wrsamp(
        "208", whole.fs, whole.units, whole.sig_name, whole.p_signal, fmt=["16", "16"],
        write_dir=str(folder),
    )  # fmt: skip
    truth = wfdb.rdann(str(data_dir / "mitdb" / "208"), "atr", sampto=MINUTES * 60 * 360 - 1)
    truth.wrann(write_fs=True, write_dir=str(folder))
    assert main(["annotate", str(folder / "208"), "--out", str(out), "--json"]) == 0
    return folder, out


def scored(reference, test, capsys):
    capsys.readouterr()
    assert main(["score", str(reference), str(test), "--format", "bxb-L"]) == 0
    return capsys.readouterr().out


def test_annotations_of_a_recording_score_as_those_of_annotate(reference, tmp_path, capsys):
    folder, out = reference
    settings = tmp_path / "settings.toml"
    settings.write_text("[recording]\nsegment_s = 3600\n", encoding="utf-8")
    options = ["--record", str(tmp_path / "kept"), "--config", str(settings), "--exit-when-done"]
    with serving(*options) as (serve, at):
        publish = ["--publish", at["input"], "--speed", "max"]
        with running("replay", str(folder / "208"), *publish) as replay:
            replay.finish()
        serve.finish()
    (stored,) = (tmp_path / "kept" / "208").glob("*.hea")
    kept = stored.with_suffix(".mon")
    assert kept.read_bytes() == (out / "208.mon").read_bytes()
    (tmp_path / "test").mkdir()
    shutil.copy(kept, tmp_path / "test" / "208.mon")
    score = scored(folder, tmp_path / "test", capsys)
    assert score == scored(folder, out, capsys)
    assert "208" in score
    signals = [wfdb.rdrecord(str(path)) for path in (stored.with_suffix(""), folder / "208")]
    assert abs(signals[0].p_signal - signals[1].p_signal).max() < HALF_A_STEP_MV
    assert sorted(path.suffix for path in stored.parent.iterdir()) == [".dat", ".hea", ".mon"]


def stored_samples(kept):
    headers = kept.glob("patient/*.hea")
    return sum(wfdb.rdheader(str(path.with_suffix(""))).sig_len for path in headers)


def test_a_killed_service_leaves_valid_records_that_the_next_start_finishes(tmp_path):
    kept = tmp_path / "kept"
    context = zmq.Context()
    with context, serving("--record", str(kept)) as (serve, at), context.socket(zmq.SUB) as seen:
        seen.connect(at["output"])
        seen.setsockopt(zmq.SUBSCRIBE, b"samples.patient")
        seen.setsockopt(zmq.SUBSCRIBE, b"heartbeat.")
        assert seen.poll(PATIENCE_S * 1000)  # from here on nothing is missed
        seen.setsockopt(zmq.UNSUBSCRIBE, b"heartbeat.")
        publish = ["--publish", at["input"], "--speed", "20", "--stream", "patient"]
        with running("demo", "--scenario", "sinus", *publish) as demo:
            pieces, samples = [], 0
            while samples < 25 * 360:
                assert seen.poll(PATIENCE_S * 1000)
                topic, header, *payload = seen.recv_multipart()
                if topic != b"samples.patient":
                    continue
                assert json.loads(header)["start_sample"] == samples
                pieces.append(np.frombuffer(payload[0], "<f4").reshape(json.loads(header)["shape"]))
                samples += len(pieces[-1])
            wait_for(lambda: stored_samples(kept) > 20 * 360, "the recording")
            serve.signal(signal.SIGKILL)
            serve.finish(-signal.SIGKILL)
            demo.signal(signal.SIGKILL)
    (header,) = kept.glob("patient/*.hea")
    published = np.concatenate(pieces)
    for recovered in (False, True):
        stored = wfdb.rdrecord(str(header.with_suffix(""))).p_signal
        both = min(len(stored), len(published))
        assert both > 0
        assert abs(stored[:both] - published[:both]).max() < HALF_A_STEP_MV
        if not recovered:
            before = len(stored)
            with serving("--record", str(kept)) as (serve, _):
                serve.signal(signal.SIGTERM)
                serve.finish()
    assert len(stored) >= before
    beats = wfdb.rdann(str(header.with_suffix("")), "mon")
    assert {path.suffix for path in header.parent.iterdir()} == {".hea", ".dat", ".mon"}
    assert len(beats.sample) > both / 360 * 0.8  # of 72 a minute


def test_the_signal_around_an_alert_is_fetched_as_a_record(tmp_path):
    with serving() as (serve, at):
        publish = ["--publish", at["input"], "--speed", "max", "--stream", "patient", "--once"]
        with running("demo", "--scenario", "vt", *publish) as demo:
            demo.finish()
        serve.until("stream patient: ended")
        fetch = ["snippet", "patient", "--control", at["control"], "--out", str(tmp_path)]
        around = ["--before", "5", "--after", "2"]
        context = zmq.Context()
        with context, context.socket(zmq.REQ) as control:
            control.connect(at["control"])
            control.send_json({"schema": 1, "command": "state"})
            assert control.poll(PATIENCE_S * 1000)
            (state,) = control.recv_json()["streams"]
        alert = next(alert for alert in state["alerts"] if alert["kind"] == "vt")
        with running(*fetch, "--alert", str(alert["id"]), *around) as first:
            first.finish()
        with running(*fetch, "--alert", "99") as second:
            second.finish(FAILED)
        assert "has no alert 99 now" in second.remarks[-1]  # and no journal is kept
    (header,) = tmp_path.glob("*.hea")
    record = wfdb.rdrecord(str(header.with_suffix("")))
    onset = alert["onset_sample"]
    assert record.base_counter == onset - 5 * 360
    assert record.sig_len == 7 * 360 + 1
    truth = simulate(Simulator("vt"))[0][onset - 5 * 360 : onset + 2 * 360 + 1]
    assert abs(record.p_signal - truth).max() < HALF_A_STEP_MV


def test_the_signal_that_led_to_an_alert_is_fetched_from_the_journal(tmp_path):
    """Nothing is recorded, and the service that raised it was killed."""
    kept = ["--journal", str(tmp_path / "journal.db")]
    with serving("--json", *kept) as (serve, at):
        publish = ["--publish", at["input"], "--speed", "max", "--stream", "patient", "--once"]
        with running("demo", "--scenario", "vt", *publish) as demo:
            demo.finish()
        raised = ('"vt"', '"raised"')
        lines = serve.until_lines(lambda lines: any(all(w in s for w in raised) for s in lines))
        serve.kill()
    alert = next(json.loads(line) for line in lines if all(w in line for w in raised))
    out = tmp_path / "out"
    with serving(*kept) as (_, at):
        fetch = ["snippet", "patient", "--control", at["control"], "--out", str(out)]
        with running(*fetch, "--alert", str(alert["id"])) as first:
            first.finish()
    (header,) = out.glob("*.hea")
    record = wfdb.rdrecord(str(header.with_suffix("")))
    end = alert["sample"] + 1
    assert (record.base_counter, record.sig_len) == (end - 3600, 3600)
    truth = simulate(Simulator("vt"))[0][end - 3600 : end]
    assert abs(record.p_signal - truth).max() < HALF_A_STEP_MV
