"""Worker processes: the same results, a dead one fails its record only, none is left over."""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from archive_parts import make_detectors, make_record, results

from monitor.cli import main

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

SCRIPT = """
import os, signal, sys
from monitor.archive.processes import Worker

if __name__ == "__main__":
    worker = Worker(".")
    path = f"/proc/{worker._process.pid}/status"
    (line,) = [line for line in open(path) if line.startswith("SigIgn")]
    assert int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1
    os.kill(os.getpid(), int(sys.argv[1]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_is_left(number, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT, encoding="utf-8")
    # a worker left over would hold the pipe open: reading it to its end would time out
    done = subprocess.run(
        [sys.executable, str(script), str(int(number))],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
    )
    assert done.returncode == -number
    assert "Traceback" not in done.stderr


def test_processes_give_the_files_of_one_process_and_a_killed_one_fails_its_record(
    tmp_path, monkeypatch, capsys
):
    archive, scratch = tmp_path / "archive", tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for seed, name in enumerate(("a", "b", "c")):
        make_record(archive, name, seed=seed)
    alone = ["annotate", str(archive), "--out", str(tmp_path / "one"), "--jobs", "1"]
    assert main(alone) == 0
    make_record(archive, "bad")
    make_detectors(tmp_path / "lib", monkeypatch)
    several = ["annotate", str(archive), "--out", str(tmp_path / "two"), "--jobs", "2"]
    capsys.readouterr()
    assert main([*several, "--detector", "odd_detectors:dies"]) == 1
    said = capsys.readouterr()
    assert "record bad: its worker process was killed, perhaps for want of memory" in said.err
    assert said.err.splitlines()[-1] == "ecg-monitor: 1 of 4 records failed"
    assert "3 records" in said.out
    assert not list(scratch.iterdir())  # not even of the worker that was killed
    one, two = results(tmp_path / "one"), results(tmp_path / "two")
    for found in two.values():
        if isinstance(found, dict):
            found["detector"] = "default"
    assert one == two
    assert len(one) == 9


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path):
    """With SIGKILL, as soon as a record is finished."""
    for seed in range(4):
        make_record(tmp_path / "in", f"r{seed}", seed=seed)
    out, options = tmp_path / "out", ["--out", str(tmp_path / "out"), "--jobs", "1"]
    command = subprocess.Popen(
        [sys.executable, "-m", "monitor", "annotate", str(tmp_path / "in"), *options], cwd=ROOT
    )
    until_s = time.monotonic() + 120
    while not list(out.glob("*.done.json")):
        assert command.poll() is None
        assert time.monotonic() < until_s
        time.sleep(0.01)
    command.kill()
    command.wait()
    finished = {path: path.stat().st_mtime_ns for path in out.glob("*.done.json")}
    assert main(["annotate", str(tmp_path / "in"), *options]) == 0
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    whole = tmp_path / "whole"
    assert main(["annotate", str(tmp_path / "in"), "--out", str(whole), "--jobs", "1"]) == 0
    found = results(out)
    assert {n: found[n] for n in found if not n.startswith(".")} == results(whole)
