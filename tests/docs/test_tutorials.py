"""The tutorials are followed: what they tell to type is run, in order, and gives what they show.

Rules for the code blocks of a tutorial:

1. ``sh`` is run and must end well. With a title that begins with "Terminal" it is started and left
   running until the end of the page.
2. ``python`` without a title is run in one session for the page. A block with a file name as its
   title is written to that file.
3. ``text`` with the title "Output": each of its lines is in what the block before it printed.
4. ``console`` and other languages are not run.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_pages import ROOT, blocks

TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
SHOWN = ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5556", "tcp://127.0.0.1:5557")
PATIENCE_S = 600

# the command as the tutorial shows it, at the ports that the server got on this machine
COMMAND = """#!{python}
import sys
import monitor.default_endpoints as default
from pathlib import Path
told = Path({told!r})
free = ["tcp://127.0.0.1:*"] * 3
default.INPUT, default.OUTPUT, default.CONTROL = told.read_text().split() if told.exists() else free
if sys.argv[1:2] == ["serve"]:  # at a port of any number it keeps no journal by itself
    sys.argv += ["--journal", {told!r} + ".db"]
from monitor.cli import entry
entry()
"""


class Terminal:
    """A shell that runs one block in the background; what it prints is read as it comes."""

    def __init__(self, text: str, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "-e", "-c", text],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._came = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, word: str) -> str:
        """Wait for a line with this word, and give it."""
        with self._came:
            ok = self._came.wait_for(
                lambda: any(word in line for line in self.lines) or not self._reader.is_alive(),
                PATIENCE_S,
            )
        assert ok, f"waited in vain for {word!r}: {self.lines}"
        found = [line for line in self.lines if word in line]
        assert found, self.lines
        return found[0]

    def close(self) -> int:
        """End it; give 0, or how it had ended by itself before."""
        ended = self._process.poll()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        return ended or 0

    def _read(self) -> None:
        for line in self._process.stdout:
            with self._came:
                self.lines.append(line)
                self._came.notify_all()
        with self._came:
            self._came.notify_all()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the reader: the command, and folders of its own."""
    program = tmp_path / "bin" / "ecg-monitor"
    program.parent.mkdir()
    told = str(program.parent / "endpoints")
    program.write_text(COMMAND.format(python=sys.executable, told=told))
    program.chmod(0o755)
    folders = [str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
    return os.environ | {
        "PATH": os.pathsep.join(folders),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Terminals that the reader has opened; all are closed at the end."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=[page.stem for page in TUTORIALS])
def test_a_tutorial_can_be_followed(
    page: Path,
    tmp_path: Path,
    environment: dict[str, str],
    terminals: list[Terminal],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "replay 208" in page.read_text(encoding="utf-8"):
        environment["ECG_MONITOR_DATA"] = str(request.getfixturevalue("data_dir"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    session: dict[str, object] = {}
    printed = ""
    endpoints = list(SHOWN)
    for block in blocks(page):
        text = block.text
        for shown, bound in zip(SHOWN, endpoints, strict=True):
            text = text.replace(shown, bound)
        if block.language == "text" and block.title == "Output":
            for line in block.text.splitlines():
                assert line.strip() in printed, f"{page.name} shows {line!r}, but it is:\n{printed}"
        elif block.title.startswith("Terminal"):
            terminals.append(Terminal(text, folder, environment))
            if "ecg-monitor serve" in text:
                ready = terminals[-1].wait_for("ready input=").split()
                endpoints = [word.split("=")[1] for word in ready if "=tcp://" in word]
                (tmp_path / "bin" / "endpoints").write_text(" ".join(endpoints))
        elif block.language == "sh":
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", text],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            printed = done.stdout
        elif "." in block.title:
            (folder / block.title).write_text(text, encoding="utf-8")
        elif block.language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, page.name, "exec"), session)
            printed = out.getvalue()
    for terminal in terminals:
        assert terminal.close() == 0, terminal.lines
    terminals.clear()
