"""The fault suite: real processes, something goes wrong, the table says what was lost."""

import subprocess
from collections import Counter

import pytest
from fault_parts import patient


class Survey:
    """Counts what one fault did."""

    def __init__(self, record):
        self._record = record

    def report(self, fault, tried, survived, expected=(), got=(), recovery_s=None):
        """Enter one row of the table, and fail if anything was lost, made up or not survived.

        Parameters
        ----------
        fault
            What was done.
        tried, survived
            How often, and how often everything went on.
        expected, got
            Events that had to come and that came (any hashable).
        recovery_s
            Longest time until events came again.
        """
        lost = sum((Counter(expected) - Counter(got)).values())
        false = sum((Counter(got) - Counter(expected)).values())
        self._record("fault", [fault, tried, int(survived), len(expected), lost, false, recovery_s])
        assert (survived, lost, false) == (tried, 0, 0), fault
        assert tuple(expected) == tuple(got), f"{fault}: events came in another order"


@pytest.fixture
def survey(record_property):
    return Survey(record_property)


@pytest.fixture(scope="session")
def tour():
    """Two and a half simulated minutes of everything, with its alerts when nothing goes wrong."""
    stream = patient("tour")
    alerts = stream.alerts()
    assert len(alerts) > 40
    return stream, alerts


@pytest.fixture
def small_disk(tmp_path):
    """A file system of four MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    yield place
    subprocess.run(["umount", "-l", place], check=True)
