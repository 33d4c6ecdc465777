"""What serve, watch and alerts say when they cannot do what was asked: one line, no traceback."""

import contextlib
import itertools
import threading
from types import SimpleNamespace

import pytest

from monitor.cli import main
from monitor.commands import alerts
from monitor.errors import FAILED, USAGE
from monitor.wire.frames import encode
from monitor.wire.protocol import Heartbeat
from monitor.wire.sockets import ServiceSockets

FREE = "tcp://127.0.0.1:*"


@contextlib.contextmanager
def beating(sockets):
    """Let sockets say, as a service does, that it is there."""
    ended = threading.Event()

    def beat():
        for sequence in itertools.count():
            sockets.newcomers()
            sockets.publish(encode(Heartbeat("life-1", 0), "life-1", sequence, 0))
            if ended.wait(0.05):
                return

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["serve", "--input", "5555"], USAGE, "--input '5555' is not an endpoint"),
        (["serve", "--output", "tcp://0.0.0.0:*", "--input", FREE], USAGE, "--insecure"),
        (
            ["serve", "--control", "tcp://*:*", "--input", FREE, "--output", FREE],
            USAGE,
            "--keys DIR",
        ),
        (["serve", "--input", "tcp://127.0.0.1:66000"], USAGE, "write it like tcp://127.0.0.1"),
        (["serve", "--until-idle", "0"], USAGE, "--until-idle 0: must be more than 0"),
        (["serve", "--max-streams", "0"], USAGE, "--max-streams 0: must be 1 or more"),
        (["serve", "--config", "/nowhere.toml"], FAILED, "cannot read settings"),
        (["watch", "--connect", "nowhere", "--text"], USAGE, "--connect 'nowhere' is not"),
        (["watch", "--control", "nowhere", "--text"], USAGE, "--control 'nowhere' is not"),
        (["alerts", "--connect", "udp://127.0.0.1:5"], USAGE, "is not an endpoint"),
        (["alerts", "--count", "0"], USAGE, "--count 0: must be 1 or more"),
        (["alerts", "--timeout", "-1"], USAGE, "--timeout -1: must be more than 0"),
    ],
)
def test_one_line_and_an_exit_code(arguments, code, words, capsys):
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    # a watcher first says that it waits
    line = captured.err.splitlines()[-1]
    assert line.startswith("ecg-monitor: ")
    assert words in line
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("option", ["input", "output", "control"])
def test_a_busy_port_is_found_before_anything_is_loaded(option, capsys):
    with ServiceSockets(FREE, FREE, FREE) as taken:
        endpoints = {"input": FREE, "output": FREE, "control": FREE}
        endpoints[option] = taken.input_endpoint
        code = main(["serve", *(f"--{name}={endpoint}" for name, endpoint in endpoints.items())])
    assert code == FAILED
    assert capsys.readouterr().err == (
        f"ecg-monitor: --{option} {taken.input_endpoint} is busy: is another `serve` running? "
        "choose another port\n"
    )


def test_alerts_ends_with_an_error_when_the_count_was_not_reached(capsys, monkeypatch):
    """By its clock no time passes until it is connected, and then more than it was given."""
    now_s = [0.0]

    def log(text, log=alerts._log):
        log(text)
        now_s[0] += 3.0 * (text == "connected")

    monkeypatch.setattr(alerts, "_log", log)
    monkeypatch.setattr(alerts, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    with ServiceSockets(FREE, FREE, FREE) as sockets:
        arguments = ["alerts", "--connect", sockets.output_endpoint, "--timeout", "2"]
        with beating(sockets):
            assert main([*arguments, "--count", "1"]) == FAILED
            assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("alerts: connected\n") == 2
    assert "no service" not in captured.err


def test_alerts_of_no_service_are_not_taken_for_none(capsys):
    assert main(["alerts", "--connect", "tcp://127.0.0.1:9", "--timeout", "0.05"]) == FAILED
    assert capsys.readouterr().err == (
        "alerts: waiting for a service at tcp://127.0.0.1:9\n"
        "ecg-monitor: no service at tcp://127.0.0.1:9\n"
    )
