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
