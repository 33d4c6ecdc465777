"""Fixtures shared by all tests."""

import os
import signal
from pathlib import Path

import pytest
from browser_pages import chromium, open_page  # noqa: F401
from hypothesis import HealthCheck, settings
from postgres_server import place, postgres  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent

# what a property test says must not depend on the machine, nor on chance: the same examples
# everywhere, however long one takes; `--hypothesis-profile=explore` looks for new ones, and
# `fast` is for who waits
unhurried = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, database=None, **unhurried)
settings.register_profile("fast", settings.get_profile("same"), max_examples=20)
settings.register_profile("explore", **unhurried)
settings.load_profile("same")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # started in the background: the programs that tests interrupt must not inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _data_dir() -> Path | None:
    given = os.environ.get("ECG_MONITOR_DATA")
    for folder in [Path(given)] if given else [ROOT.parent / "shared" / "data"]:
        if (folder / "mitdb" / "100.hea").exists():
            return folder.resolve()
    return None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with mitdb/, nstdb/ ...; where it must be there, its absence is a failure."""
    folder = _data_dir()
    if folder is None:
        if os.environ.get("ECG_MONITOR_REQUIRE_DATA"):
            pytest.fail("ECG_MONITOR_REQUIRE_DATA is set, but no recordings were found")
        pytest.skip("needs real recordings: set ECG_MONITOR_DATA to a folder with mitdb/")
    return folder


def pytest_terminal_summary(terminalreporter):
    """Print the table of the fault suite, if it ran."""
    rows = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "fault"
    ]
    if not rows:
        return
    terminalreporter.section("faults")
    line = "{:<58} {:>6} {:>8} {:>7} {:>5} {:>6} {:>10}".format
    terminalreporter.line(line("fault", "tried", "survived", "events", "lost", "false", "recovery"))
    for *row, recovery_s in sorted(rows):
        terminalreporter.line(line(*row, "" if recovery_s is None else f"{recovery_s:.1f} s"))


@pytest.fixture(scope="session", autouse=True)
def _own_state_folder(tmp_path_factory):
    """Nothing that a test starts writes into the user's own state folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _same_terminal():
    """Nothing depends on the terminal in which the tests are started, or on there being one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm-256color")
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def context():
    """A ZeroMQ context: its sockets are closed at the end, whatever they still hold."""
    import zmq

    opened = []  # a socket that is dropped before it is closed warns

    class Context(zmq.Context):
        def socket(self, *args, **kwargs):
            opened.append(super().socket(*args, **kwargs))
            return opened[-1]

    context = Context()
    yield context
    context.destroy(0)
