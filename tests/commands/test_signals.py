"""A replay that is told to go goes: at once, with its exit code, without a traceback."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_a_live_replay(number, code):
    command = [sys.executable, "-m", "monitor", "demo", "--speed", "1", "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert '"type": "info"' in process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=600)
    assert process.returncode == code
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_an_import_waits_for_its_end(tmp_path, number):
    """An import that would be broken by an exception: it is finished first."""
    (tmp_path / "heavy.py").write_text(
        "import os, signal\n"
        "try:\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    for _ in range(1000): pass\n"
        "except BaseException:\n"
        "    os._exit(99)\n"
        "print('loaded', flush=True)\n"
    )
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import signal\n"
        "from monitor import cli, stopping\n"
        "def main():\n"
        "    import heavy\n"
        "    while True: signal.pause()\n"
        "cli.main = main\n"
        "cli.entry()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("loaded\n", "")
    assert done.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]


LAID = """
import os, signal, sys, threading, time
def fire():
    time.sleep({after_s})
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=fire, daemon=True).start()
import runpy
sys.argv = ["monitor", "serve", "--journal", "off", "--input", "tcp://127.0.0.1:*",
            "--output", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]
runpy.run_module("monitor", None, "__main__", alter_sys=True)
"""


@pytest.mark.parametrize("step", range(12))
def test_a_service_that_is_told_to_go_while_it_starts_goes_cleanly(step):
    program = LAID.format(after_s=0.1 + 0.3 * step)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    # before our handler is there the signal itself ends it; once it serves it stops in order
    assert done.returncode in (143, -signal.SIGTERM, 0), done.stderr
    assert "Traceback" not in done.stderr
    assert "terminate called" not in done.stderr
