"""The database of the journal is killed, hangs or is full: nothing lost, no alarm waits."""

import contextlib
import os
import pwd
import random

import pytest
from fault_parts import full
from killed_service import check_that_all_goes_on, kill_again_and_again
from test_server_killed import canonical
from test_storage import in_trouble

pytestmark = pytest.mark.slow


@pytest.fixture
def url(postgres):
    return postgres.database()


@contextlib.contextmanager
def killed(postgres):
    postgres.kill()
    try:
        yield
    finally:
        postgres.start()


def test_the_database_is_killed(survey, tour, postgres, url):
    """The front has the journal, and its workers tell of it."""
    fault = "database killed, and started again (two workers)"
    in_trouble(survey, tour, fault, url, killed(postgres), "--workers", "2")


def test_the_database_hangs(survey, tour, postgres, url):
    in_trouble(survey, tour, "database hangs", url, postgres.frozen())


@pytest.fixture
def small_database(postgres, tmp_path):
    """Give the URL of a database on a small disk, and the disk."""
    import subprocess

    place = postgres.folder / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        entry = pwd.getpwnam("nobody")
        if os.getuid() == 0:
            os.chown(place, entry.pw_uid, entry.pw_gid)
        postgres.run(f"CREATE TABLESPACE small LOCATION '{place}'")
        url = postgres.database("TABLESPACE small")
        yield url, place
        postgres.run(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")
        postgres.run("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_the_disk_of_the_database_is_full(survey, tour, small_database):
    url, place = small_database
    in_trouble(survey, tour, "disk of the database full", url, full(place))


@pytest.mark.timeout(600)
def test_the_service_is_killed_while_it_writes_to_a_database(survey, url):
    kills = 2
    found = kill_again_and_again(url, kills, random.Random(7))
    assert len(found.restored) == kills
    check_that_all_goes_on(found)
    survey.report(
        "kill -9 of the service, journal in a database",
        kills,
        len(found.recovery_s),
        list(map(canonical, found.alerts())),
        list(map(canonical, found.received)),
        max(found.recovery_s),
    )
