"""An endless stream in bounded memory; ``python -m tools.soak --hours 2`` is the long form."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory from /proc")
def test_memory_is_flat_after_the_first_minutes():
    done = subprocess.run(
        [sys.executable, "-m", "tools.soak", "--hours", "0.75", "--rate-hz", "125"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grown by" in done.stdout
    assert "Alert" in done.stdout
