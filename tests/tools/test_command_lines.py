"""The tools from outside: their help can be read, and a folder that is not there is said so."""

import importlib.util
import sys

import pytest


@pytest.mark.parametrize(
    "name",
    ["bench_detect", "evaluate", "evaluate_beats", "kachuee", "measure_alarms", "ptbdb", "train"],
)
def test_help_shows_the_commands_line_by_line(name, monkeypatch, capsys):
    tool = importlib.import_module(f"tools.{name}")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stop:
        tool.main()
    assert stop.value.code == 0
    examples = [line for line in tool.__doc__.splitlines() if line.startswith("    python -m ")]
    assert examples
    assert set(examples) <= set(capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("name", "part", "folder"),
    [
        ("measure_alarms", "cinc", "cinc2015"),
        ("measure_alarms", "af", "mitdb"),
        ("measure_quality", "vfdb", "vfdb"),
        ("measure_quality", "ds1", "mitdb"),
    ],
)
def test_a_folder_that_is_not_there_is_named(name, part, folder, tmp_path, capsys):
    tool = importlib.import_module(f"tools.{name}")
    with pytest.raises(SystemExit) as stop:
        tool.main([part, "--data", str(tmp_path)])
    assert stop.value.code == 2
    assert f"there is no {folder}/ in {tmp_path}" in capsys.readouterr().err


def test_a_benchmark_that_cannot_end_does_not_begin(monkeypatch, tmp_path, capsys):
    tool = importlib.import_module("tools.bench_detect")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        tool.main(["--data", str(tmp_path), "--records", "100"])
    assert stop.value.code == 2
    assert "sleepecg is not installed" in capsys.readouterr().err


def test_stress_with_a_bad_lead_names_the_record_of_noise_that_it_needs(tmp_path, capsys):
    tool = importlib.import_module("tools.stress_detect")
    (tmp_path / "mitdb").mkdir()
    with pytest.raises(SystemExit) as stop:
        tool.main(["--data", str(tmp_path), "--records", "119", "--tables", "lead"])
    assert stop.value.code == 2
    assert f"there is no {tmp_path / 'nstdb' / 'ma.hea'}" in capsys.readouterr().err
