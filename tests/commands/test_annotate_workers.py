"""Worker processes of ``annotate --jobs`` end with the process that started them."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from monitor.commands.annotate import _end_with_parent, _no_interrupt

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_end_with_parent)
    with _no_interrupt():
        disposition = pool.submit(signal.getsignal, signal.SIGINT)
    assert disposition.result() is signal.SIG_IGN
    os.kill(os.getpid(), int(sys.argv[1]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_is_left(number, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT, encoding="utf-8")
    # a worker left over would hold the pipe open: reading it to its end would time out
    done = subprocess.run(
        [sys.executable, str(script), str(int(number))],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == -number
    assert "Traceback" not in done.stderr
