"""Workers of a service are killed again and again: nothing missing, nothing twice."""

import random

import pytest
from killed_service import check_that_all_goes_on, kill_workers_again_and_again
from relay import relaying
from test_server_killed import canonical

pytestmark = pytest.mark.slow

KILLS = 3


@pytest.mark.timeout(1200)
def test_a_worker_is_killed_at_random_instants(survey, tmp_path):
    killed = kill_workers_again_and_again(tmp_path / "journal.db", KILLS, random.Random(5))
    reported(survey, "kill -9 of a worker at a random instant", killed)


@pytest.mark.timeout(600)
def test_the_network_between_front_and_workers_is_cut(survey, tmp_path):
    """The workers go on on their side; what they say when the network is back is not heard."""
    cuts = []

    def cut(number, pid):
        cuts.append(tmp_path / f"cut{number}")
        cuts[-1].touch()

    killed = kill_workers_again_and_again(
        tmp_path / "journal.db",
        1,
        random.Random(9),
        end=cut,
        healed=lambda: cuts[-1].unlink(),
        hurried=True,
        first=relaying(tmp_path / "cut"),
    )
    reported(survey, "network between front and worker cut", killed, 1)


def reported(survey, fault, killed, kills=KILLS):
    assert len(killed.restored) == kills
    check_that_all_goes_on(killed)
    assert kills // 2 <= len(killed.gaps()) <= kills
    survey.report(
        fault,
        kills,
        len(killed.recovery_s),
        list(map(canonical, killed.alerts())),
        list(map(canonical, killed.received)),
        max(killed.recovery_s),
    )
