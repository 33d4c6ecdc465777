"""Small archives for the tests, and detectors that behave badly."""

import json
from pathlib import Path

from monitor.sources.simulator import Simulator
from monitor.sources.simulator.wfdb_writer import write_wfdb

DETECTORS = '''
import os, signal
from monitor.stages.detect.qrs_detector import QrsDetector


def dies(info, settings):
    """The default detector, but the process is killed as the signal of "bad" begins."""
    if info.stream == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    return QrsDetector(info, settings)
'''


def make_record(folder, name, seconds=12.0, seed=0, scenario="bigeminy"):
    folder.mkdir(parents=True, exist_ok=True)
    source = Simulator(
        scenario, rate_hz=180, leads=("II", "V1"), duration_s=seconds, loop=True, seed=seed
    )
    write_wfdb(source, folder, name)
    return folder / name


def make_detectors(folder: Path, monkeypatch) -> None:
    """Make ``odd_detectors:NAME`` known here and in processes started from here."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "odd_detectors.py").write_text(DETECTORS, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")


def results(out: Path) -> dict[str, object]:
    """Give all results of a folder, but the CPU time."""
    found: dict[str, object] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if name.endswith(".summary.json"):
            fields = json.loads(path.read_text())
            found[name] = {key: value for key, value in fields.items() if key != "cpu_s"}
        elif path.is_file() and not name.endswith(".done.json"):
            found[name] = path.read_bytes()
    return found
