"""The commands on other recordings than WFDB: the same signal gives the same events."""

import contextlib
import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb
from monitor_process import serving

from monitor.cli import main

SECONDS = 30
RATE_HZ = 360


@pytest.fixture(scope="module")
def record(data_dir):
    return wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=SECONDS * RATE_HZ)


@pytest.fixture(scope="module")
def edf(record, tmp_path_factory):
    """The record in steps of its own resolution, 5 uV."""
    path = tmp_path_factory.mktemp("edf") / "night_7.edf"
    signals = [
        edfio.EdfSignal(
            column, RATE_HZ, label=f"ECG {name}", physical_dimension="mV",
            physical_range=(-5.12, 5.115), digital_range=(-1024, 1023),
        )
        for name, column in zip(record.sig_name, record.p_signal.T, strict=True)
    ]  # fmt: skip
    edfio.Edf(signals).write(path)
    return path


@pytest.fixture(scope="module")
def text(record):
    out = io.StringIO()
    table = np.column_stack([np.arange(len(record.p_signal)) / RATE_HZ, record.p_signal])
    np.savetxt(out, table, "%.6f", ",", header="time,MLII [mV],V1 [mV]", comments="")
    return out.getvalue()


@pytest.fixture(scope="module")
def expected(record, data_dir):
    """Events of the WFDB record, less what differs: the stream's name and source."""
    return run("replay", "208", "--data", data_dir, "--stop", SECONDS)


def run(*args, text=None):
    argv = [sys.executable, "-m", "monitor", *map(str, args)]
    argv += [] if args[0] == "annotate" else ["--json", "--stream", "s"]
    done = subprocess.run(
        argv, input=text, capture_output=True, text=True, timeout=600, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [{k: v for k, v in event.items() if k != "source"} for event in events]


ROOT = Path(__file__).resolve().parents[2]


def test_an_edf_file_gives_the_events_of_its_record(edf, expected):
    assert sum(event["type"] == "beat" for event in expected) > 30
    assert run("replay", edf) == expected


def test_lines_on_standard_input_give_the_events_of_their_record(text, expected):
    assert run("replay", "-", "--rate", RATE_HZ, text=text) == expected


def test_edf_and_csv_are_annotated_like_their_record(edf, text, expected, tmp_path):
    csv = tmp_path / "bed7.csv"
    csv.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    assert main(["annotate", str(edf), "--out", str(out)]) == 0
    assert main(["annotate", str(csv), "--out", str(out), "--rate", str(RATE_HZ)]) == 0
    beats = [event["sample"] for event in expected if event["type"] == "beat"]
    for name in ("night_7", "bed7"):
        found = wfdb.rdann(str(out / name), "mon")
        labels = np.isin(found.symbol, ["N", "S", "V", "F", "Q"])
        assert found.sample[labels].tolist() == beats
        summary = json.loads((out / f"{name}.summary.json").read_text())
        assert summary["duration_s"] == SECONDS
        assert summary["leads"] == ["MLII", "V1"]


def test_a_live_source_goes_to_a_server(text, expected):
    with serving("--json") as (serve, at):
        command = ["replay", "-", "--rate", str(RATE_HZ), "--stream", "s", "--publish", at["input"]]
        done = subprocess.run(
            [sys.executable, "-m", "monitor", *command],
            input=text, capture_output=True, text=True, timeout=600, cwd=ROOT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        serve.until_lines(lambda lines: any('"end"' in line for line in lines))
        serve.signal(signal.SIGTERM)
        served = [json.loads(line) for line in serve.finish()]
    assert [{k: v for k, v in event.items() if k != "source"} for event in served] == expected


def test_the_dashboard_shows_what_comes_on_standard_input_and_reads_keys(text):
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", 40, 120, 0, 0))
    command = ["replay", "-", "--rate", str(RATE_HZ), "--stream", "bed-seven"]
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", *command],
        stdin=subprocess.PIPE, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color"},
        preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(slave)
    guard = threading.Timer(600, process.kill)
    guard.start()
    shown = b""
    try:
        # two seconds, which fit into the pipe; it stays open: the device goes on
        process.stdin.write("\n".join(text.splitlines()[: 1 + 2 * RATE_HZ]).encode() + b"\n")
        process.stdin.flush()
        while b"bed-seven" not in shown or b"MLII" not in shown:
            shown += os.read(master, 65536)
        os.write(master, b"q")
        with contextlib.suppress(OSError):  # the terminal ends with the program
            while os.read(master, 65536):
                pass
        assert process.wait() == 0
    finally:
        guard.cancel()
        process.kill()
        process.stdin.close()
        process.wait()
        os.close(master)


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("night.edf", "edfio", "edf"),
        ("lsl:", "pylsl", "lsl"),
        ("brainflow:synthetic", "brainflow", "brainflow"),
    ],
)
def test_a_source_whose_extra_is_missing_says_how_to_get_it(
    name, package, extra, monkeypatch, tmp_path, capsys
):
    for module in [m for m in sys.modules if m.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    for module in ("edf_file", "lsl_stream", "brainflow_board"):
        monkeypatch.delitem(sys.modules, f"monitor.sources.{module}", raising=False)
    (tmp_path / "night.edf").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["replay", name, "--json"]) == 2
    assert f"pip install 'ecg-monitor[{extra}]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["-", "--rate", "2500"], "--rate 2500: must be 100 to 1000 Hz"),
        (["-", "--rate", "250", "--baseline", "512"], "--baseline needs --gain"),
        (["-", "--gain", "0"], "--gain 0: must be the number of ADC units in 1 mV"),
        (["-", "--gain", "200", "--unit", "mV"], "--gain and --unit say the same thing twice"),
        (["brainflow:synthetic", "--gain", "200"], "--gain does not apply to brainflow:synthetic"),
        (["x.csv"], "there is no file x.csv"),
        (["x.edf"], "there is no file x.edf"),
        (["-", "--rate", "250", "--loop"], "--loop does not apply to -"),
        (["-", "--rate", "250", "--start", "5"], "--start does not apply to -"),
    ],
)
def test_what_does_not_fit_is_refused(args, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["replay", *args]) == 2
    assert complaint in capsys.readouterr().err


def test_options_that_a_recording_has_no_use_for_are_refused(edf, capsys):
    assert main(["replay", str(edf), "--json", "--unit", "uV"]) == 2
    assert "night_7.edf: MLII is in mV, but --unit says uV" in capsys.readouterr().err


def test_options_for_one_kind_do_not_refuse_the_others(edf, record, expected, tmp_path, capsys):
    """ADC units as text, an EDF file, a bad one: each gets what it needs, the rest goes on."""
    counts = np.round(record.p_signal * 200 + 1024).astype(int)
    text = "MLII,V1\n" + "".join(f"{a},{b}\n" for a, b in counts)
    (tmp_path / "bed7.csv").write_text(text, encoding="utf-8")
    (tmp_path / "bad.csv").write_text("II,V5\nno number\n", encoding="utf-8")
    files = [str(tmp_path / "bad.csv"), str(tmp_path / "bed7.csv"), str(edf)]
    out = tmp_path / "out"
    command = ["annotate", *files, "--out", str(out), "--rate", str(RATE_HZ)]
    assert main([*command, "--gain", "200", "--baseline", "1024"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert sum("bad.csv holds no lines of numbers" in line for line in lines) == 1
    assert lines[-1] == "ecg-monitor: 1 of 3 records failed"
    beats = [event["sample"] for event in expected if event["type"] == "beat"]
    for name in ("bed7", "night_7"):
        found = wfdb.rdann(str(out / name), "mon")
        assert found.sample[np.isin(found.symbol, ["N", "S", "V", "F", "Q"])].tolist() == beats


def test_a_bad_line_is_told_and_monitoring_goes_on(text, expected):
    lines = text.splitlines()
    lines[1800] = "5.0,oops,0"
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "replay", "-", "--json", "--stream", "s"],
        input="\n".join(lines), capture_output=True, text=True, timeout=600, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "ecg-monitor: stream s: 360 Hz by column 'time'",
        "ecg-monitor: stream s: line 1801: 'oops' is no number",
    ]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    beats = [event["sample"] for event in expected if event["type"] == "beat"]
    found = [event["sample"] for event in events if event["type"] == "beat"]
    assert found[-10:] == beats[-10:]
    assert len(found) >= len(beats) - 1  # the beat of the line may go with it
