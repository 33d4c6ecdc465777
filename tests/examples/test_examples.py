"""The examples are run: each does what its page in the documentation says of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from docs_pages import blocks

from monitor.cli import main
from monitor.config import DetectSettings, Settings
from monitor.messages import Beat
from monitor.pipeline import Pipeline
from monitor.score import Annotations, Conditions, compare_beats
from monitor.sources.simulator import Simulator, simulate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LEADS = ("II", "V5")


def run(*words: object, given: str | None = None, root: Path = EXAMPLES.parent) -> str:
    """Run an example as a user does; give what it prints."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        input=given,
        capture_output=True,
        text=True,
        timeout=600,
        cwd=root,
        env={"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def _examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)


def beats_found(scenario: str, chunk_s: float) -> tuple[list[int], list[int]]:
    """R peaks by the example's detector, and the true ones."""
    patient = Simulator(scenario, keep_truth=True, chunk_s=chunk_s)
    settings = Settings(detect=DetectSettings(detector="own_detector:EnergyDetector"))
    pipeline = Pipeline(patient.info, settings)
    events = [event for chunk in patient.chunks() for event in pipeline.push(chunk)]
    events += pipeline.flush()
    found = [event.sample for event in events if isinstance(event, Beat)]
    assert patient.truth is not None
    return found, [beat.sample for beat in patient.truth.beats]


@pytest.mark.slow
@pytest.mark.usefixtures("_examples")
@pytest.mark.parametrize("scenario", ["sinus", "pvc", "brady", "tachy"])
def test_the_detector_finds_the_beats(scenario: str) -> None:
    found, true = beats_found(scenario, 0.25)
    truth, test = (Annotations.from_arrays(samples, "N") for samples in (true, found))
    learnt = Conditions(start_s=5.0)
    score = compare_beats(truth, test, 360.0, conditions=learnt).figures
    assert score.q_se is not None
    assert score.q_pp is not None
    assert score.q_se > 97.0
    assert score.q_pp > 97.0


@pytest.mark.slow
@pytest.mark.usefixtures("_examples")
def test_the_detector_gives_the_same_peaks_for_any_pieces() -> None:
    assert beats_found("pvc", 0.1) == beats_found("pvc", 7.3)


@pytest.mark.slow
def test_the_model_is_trained_checked_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(EXAMPLES / "own_model.py", tmp_path / "mine.pt")
    share = float(told.split("patient: ")[1].split("%")[0])
    assert share > 95.0
    assert main(["models", str(tmp_path / "mine.pt")]) == 0
    assert "N, V (labels streams)" in capsys.readouterr().out
    arguments = ["demo", "--scenario", "bigeminy", "--once", "--json"]
    assert main([*arguments, "--model", str(tmp_path / "mine.pt")]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    labels = [event["label"] for event in events if event["type"] == "beat"]
    assert 0.4 < labels.count("V") / len(labels) < 0.6


@pytest.mark.slow
def test_the_source_is_analysed(tmp_path: Path) -> None:
    signal_mv, _ = simulate(Simulator("asystole", rate_hz=250, leads=LEADS))
    np.save(tmp_path / "signal.npy", signal_mv)
    options = ("--rate", 250, "--leads", ",".join(LEADS))
    told = run(EXAMPLES / "own_source.py", tmp_path / "signal.npy", *options)
    assert "high raised ASYSTOLE" in told


@pytest.mark.slow
def test_the_alarm_rule_reads_events(capsys: pytest.CaptureFixture[str]) -> None:
    alerts = {}
    for scenario in ("bigeminy", "sinus"):
        assert main(["demo", "--scenario", scenario, "--once", "--json"]) == 0
        told = run(EXAMPLES / "own_alarm_rule.py", given=capsys.readouterr().out)
        alerts[scenario] = [json.loads(line) for line in told.splitlines()]
    (alert,) = alerts["bigeminy"]
    assert (alert["kind"], alert["state"]) == ("pvc_burden", "raised")
    assert alerts["sinus"] == []


def test_the_alarm_rule_ends_below_its_lower_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    from own_alarm_rule import PvcBurden

    rule = PvcBurden()
    labels = "N" * 30 + "V" * 10 + "N" * 40
    told = {}
    for sample, label in enumerate(labels):
        alert = rule.push({"label": label, "stream": "bed-7", "decided_sample": sample})
        if alert:
            told[sample] = alert["state"]
    # 10 of the first 40 are over 20 %; 6 of 40, when four V have left, are not over 15 %
    assert told == {39: "raised", 73: "cleared"}


@pytest.mark.slow
def test_a_rule_inside_the_program_takes_two_files(tmp_path: Path) -> None:
    """Do what the page says to a copy of the program: kind and limit in one file, the rule."""
    page = EXAMPLES.parent / "docs/how-to/own-alarm-rule.md"
    kind, limit, rule = (
        block for block in blocks(page) if block.title and "own_" not in block.title
    )
    shutil.copytree(EXAMPLES.parent / "monitor", tmp_path / "monitor")
    declared = tmp_path / "monitor/alarm_kinds.py"
    text = declared.read_text(encoding="utf-8")
    for line, before in ((kind, "LEAD_OFF = "), (limit, "lead_off_s: float = ")):
        assert text.count(f"    {before}") == 1
        text = text.replace(f"    {before}", f"    {line.text.strip()}\n    {before}")
    declared.write_text(text, encoding="utf-8")
    (tmp_path / rule.title).write_text(rule.text, encoding="utf-8")
    demo = "-m", "monitor", "demo", "--scenario", "bigeminy", "--once", "--json"
    events = [json.loads(line) for line in run(*demo, root=tmp_path).splitlines()]
    alerts = [event for event in events if event.get("kind") == "pvc_burden"]
    assert alerts[0]["state"] == "raised"
    assert alerts[0]["text"].endswith("> 20%")
    assert "pvc_burden = 0.2" in run("-m", "monitor", "config", root=tmp_path)
