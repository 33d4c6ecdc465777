"""The tools from outside: their help can be read, and a folder that is not there is said so."""

import importlib
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
