"""A sender whose stream is refused reads why, over real sockets."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from monitor_process import PATIENCE_S, running, serving

SENDERS = Path(__file__).resolve().parents[2] / "tools" / "senders"
REASON = "already 1 streams (see --max-streams)"


@pytest.fixture(scope="module")
def full_service():
    """A service whose only place is taken by a replay that goes on."""
    with serving("--json", "--max-streams", "1") as (service, at):
        watched = ["demo", "--publish", at["input"], "--speed", "1"]
        with running(*watched):
            service.until("Hz")
            yield service, at
        service.signal(signal.SIGTERM)
        service.finish()


@pytest.mark.slow
def test_a_replay_that_is_refused_says_so_and_fails(full_service):
    service, at = full_service
    source = ["replay", "-", "--rate", "200", "--unit", "mV", "--leads", "II"]
    lines = "".join(f"{(i % 160 == 0):d}.0\n" for i in range(800))
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *source, "--stream", "late", "--publish", at["input"]],
        input=lines, text=True, capture_output=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"does not watch stream late: {REASON}" in done.stderr
    assert f"refused stream late: {REASON}" in done.stderr
    assert "Traceback" not in done.stderr

    def refused(lines):
        return [
            event
            for event in map(json.loads, lines)
            if event["type"] == "alert" and event["kind"] == "stream_refused"
        ]

    (alert, *_) = refused(service.until_lines(refused))
    assert (alert["stream"], alert["priority"]) == ("late", "technical")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sender.py", "sender.js"])
def test_the_example_senders_say_that_they_are_refused(full_service, name, request):
    script = SENDERS / name
    command = [sys.executable, script]
    if name.endswith(".js"):
        script = request.getfixturevalue("node_folder") / name
        shutil.copy(SENDERS / name, script)
        command = ["node", script]
    _, at = full_service
    with subprocess.Popen(
        [*map(str, command), at["input"], name.replace(".", "-"), "200", "II"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as sender:  # fmt: skip
        try:
            said = ""
            for _ in range(2000):  # until the answer has come
                sender.stdin.write("0.1\n" * 400)
                sender.stdin.flush()
                if _readable(sender.stderr):
                    said = sender.stderr.readline()
                    break
        finally:
            sender.kill()
    assert said == f"not watched: {REASON}\n"


def _readable(pipe):
    import select

    return bool(select.select([pipe], [], [], 0.05)[0])
