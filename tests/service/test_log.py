"""The log of a service: what is said, how it is written, and what must never be in it."""

import json
import subprocess
import sys

import pytest
from service_parts import Sender

from monitor.errors import MonitorError
from monitor.log_lines import Level, LogLine
from monitor.service.hub import Hub
from monitor.service.process import Log


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_text_lines_name_the_command(capsys):
    log = Log("serve")
    log("ready input=tcp://x")
    log(LogLine("stream a: stale", Level.WARNING, "a"))
    log("two\nlines")
    assert capsys.readouterr().err.splitlines() == [
        "serve: ready input=tcp://x", "serve: stream a: stale", "serve: two lines",
    ]  # fmt: skip


def test_json_lines_hold_level_time_and_stream(capsys):
    log = Log("serve", "json")
    log("100 % ready %s")
    log(LogLine("stream a: stale", Level.WARNING, "a"))
    first, second = lines(capsys)
    assert first["message"] == "100 % ready %s"
    assert (first["level"], first["logger"]) == ("info", "ecg-monitor.serve")
    assert "stream" not in first
    assert (second["level"], second["stream"]) == ("warning", "a")
    assert second["time"].endswith("+00:00")


def test_warnings_of_python_are_json_too():
    code = (
        "import warnings\nfrom monitor.service.process import Log\n"
        "Log('serve', 'json')\nwarnings.warn('old', UserWarning)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    line = json.loads(done.stderr)
    assert line["level"] == "warning"
    assert "UserWarning: old" in line["message"]


def test_lesser_lines_are_left_out(capsys):
    log = Log("serve", "json", "warning")
    log("hello")
    log(LogLine("worse", Level.ERROR))
    assert [line["message"] for line in lines(capsys)] == ["worse"]


def test_the_end_is_told_with_its_place_in_the_code_only_for_a_defect(capsys):
    log = Log("serve", "json")
    log.failed(MonitorError("port busy"))
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError as error:
        log.failed(error)
    expected, defect = lines(capsys)
    assert (expected["message"], expected["level"]) == ("port busy", "error")
    assert "exception" not in expected
    assert "Traceback" in defect["exception"]


def test_a_reader_that_has_gone_stops_nothing(monkeypatch):
    class Gone:
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    Log("serve")("nobody hears this")


class Failing:
    def __init__(self, info):
        raise ValueError("no analysis")


@pytest.fixture
def said():
    return []


def test_levels_and_streams_of_what_the_service_says(said):
    hub = Hub(Failing, "service", said.append)
    sender = Sender(stream="bed-7")
    hub.receive(sender.announce(), 0.0, 0)
    hub.receive(sender.samples(), 0.0, 0)
    hub.receive([b"nonsense"], 0.0, 0)
    hub.tick(1.0, 1.0)
    found = [(line.level, line.stream, line.split(":")[0]) for line in said]
    assert found == [
        (Level.INFO, "bed-7", "stream bed-7"),
        (Level.ERROR, "bed-7", "stream bed-7"),
        (Level.WARNING, None, "refused a message"),
    ]


def test_nothing_that_a_sender_wrote_about_its_patient_is_said(said):
    name = "Mrs Smith"
    hub = Hub(Failing, "service", said.append)
    sender = Sender(stream="bed-7")
    hub.receive(sender.announce(source=f"EDF of {name}"), 0.0, 0)
    frames = sender.announce(source="x")
    hub.receive([frames[0], frames[1].replace(b'"x"', f'"{name}\\n"'.encode())], 0.0, 0)
    hub.receive([frames[0], frames[1].replace(b'"x"', b'["Mrs Smith"]')], 0.0, 0)
    hub.receive([f"info.{name}".encode(), b"{}"], 0.0, 0)
    hub.tick(1.0, 1.0)
    hub.flush()
    assert hub.refused == 3
    assert said
    assert name not in "\n".join(said)
    assert "Smith" not in "\n".join(said)
