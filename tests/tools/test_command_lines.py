"""The tools from outside: their help can be read, and a folder that is not there is said so."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.models.bundle import load_bundle
from monitor.models.shipped import SHIPPED
from tools.commands import dispatch
from tools.evaluate import __main__ as evaluate
from tools.train import __main__ as train

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name",
    [
        *("data.kachuee", "data.ptbdb", "evaluate.alarms", "evaluate.beats", "evaluate.detect"),
        *("evaluate.labels", "evaluate.stress", "train.beats", "train.deferred", "train.labels"),
        *("train.qrs", "evaluate.strangers", "evaluate.blind"),
    ],
)
def test_help_shows_the_commands_line_by_line(name, capsys):
    tool = importlib.import_module(f"tools.{name}")
    with pytest.raises(SystemExit) as stop:
        tool.main(["--help"])
    assert stop.value.code == 0
    examples = [line for line in tool.__doc__.splitlines() if line.startswith("    python -m ")]
    assert examples
    assert set(examples) <= set(capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("name", "part", "folder"),
    [
        ("evaluate.alarms", "cinc", "cinc2015"),
        ("evaluate.alarms", "af", "mitdb"),
        ("evaluate.quality", "vfdb", "vfdb"),
        ("evaluate.quality", "ds1", "mitdb"),
    ],
)
def test_a_folder_that_is_not_there_is_named(name, part, folder, tmp_path, capsys):
    tool = importlib.import_module(f"tools.{name}")
    with pytest.raises(SystemExit) as stop:
        tool.main([part, "--data", str(tmp_path)])
    assert stop.value.code == 2
    assert f"there is no {folder}/ in {tmp_path}" in capsys.readouterr().err


def test_a_benchmark_that_cannot_end_does_not_begin(monkeypatch, tmp_path, capsys):
    tool = importlib.import_module("tools.evaluate.detect")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        tool.main(["--data", str(tmp_path), "--records", "100"])
    assert stop.value.code == 2
    assert "sleepecg is not installed" in capsys.readouterr().err


def test_stress_with_a_bad_lead_names_the_record_of_noise_that_it_needs(tmp_path, capsys):
    tool = importlib.import_module("tools.evaluate.stress")
    (tmp_path / "mitdb").mkdir()
    with pytest.raises(SystemExit) as stop:
        tool.main(["--data", str(tmp_path), "--records", "119", "--tables", "lead"])
    assert stop.value.code == 2
    assert f"there is no {tmp_path / 'nstdb' / 'ma.hea'}" in capsys.readouterr().err


PACKAGES = {"tools.evaluate": evaluate.COMMANDS, "tools.train": train.COMMANDS}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_command_of_a_package_is_listed_and_can_be_run(package, capsys):
    assert dispatch(package, PACKAGES[package], ["--help"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) == len(PACKAGES[package])
    for name, row in zip(PACKAGES[package], rows, strict=True):
        module = importlib.import_module(f"{package}.{name}")
        assert row.split() == [name, *module.__doc__.splitlines()[0].split()]
        with pytest.raises(SystemExit) as stop:
            dispatch(package, PACKAGES[package], [name, "--help"])
        assert stop.value.code == 0
        capsys.readouterr()


def test_a_command_that_is_none_is_refused_with_a_list(capsys):
    assert dispatch("tools.evaluate", evaluate.COMMANDS, ["lables"]) == 2
    told = capsys.readouterr().err
    assert "no command 'lables'" in told
    assert "  labels " in told


def test_an_error_of_a_command_is_one_line(tmp_path, capsys):
    argv = ["labels", "--data", str(tmp_path / "none")]
    assert dispatch("tools.evaluate", evaluate.COMMANDS, argv) != 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith("labels: ")


def test_a_package_runs_from_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "tools.evaluate", "--help"],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    assert "python -m tools.evaluate COMMAND" in done.stdout


@pytest.mark.parametrize("name", SHIPPED)
def test_the_command_in_a_shipped_manifest_is_understood(name, capsys):
    python, m, package, *words = load_bundle(name).manifest.command.split()
    assert (python, m) == ("python", "-m")
    assert package.startswith("tools.train")
    inner = package.removeprefix("tools.train").lstrip(".")
    with pytest.raises(SystemExit) as stop:
        train.main([*([inner] if inner else []), *words, "--help"])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    assert all(word in told for word in words if word.startswith("--"))
