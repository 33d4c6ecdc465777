"""Workers of a service are killed again and again: nothing missing, nothing twice."""

import random

import pytest
from killed_service import check_that_all_goes_on, kill_workers_again_and_again
from test_server_killed import canonical

pytestmark = pytest.mark.slow

KILLS = 3


@pytest.mark.timeout(1200)
def test_a_worker_is_killed_at_random_instants(survey, tmp_path):
    killed = kill_workers_again_and_again(tmp_path / "journal.db", KILLS, random.Random(5))
    reported(survey, "kill -9 of a worker at a random instant", killed)


def reported(survey, fault, killed):
    assert len(killed.restored) == KILLS
    check_that_all_goes_on(killed)
    assert KILLS // 2 <= len(killed.gaps()) <= KILLS
    survey.report(
        fault,
        KILLS,
        len(killed.recovery_s),
        list(map(canonical, killed.alerts())),
        list(map(canonical, killed.received)),
        max(killed.recovery_s),
    )
