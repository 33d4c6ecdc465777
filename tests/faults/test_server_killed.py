"""The service and its subscribers are killed again and again: nothing missing, nothing twice."""

import json
import random
import time

import pytest
from fault_parts import over
from killed_service import STREAM, check_that_all_goes_on, history, kill_again_and_again, sending
from monitor_process import running, serving, wait_for

pytestmark = pytest.mark.slow

KILLS = 20


@pytest.mark.timeout(3600)  # 21 starts of the service
def test_the_service_is_killed_at_random_instants(survey, tmp_path):
    killed = kill_again_and_again(tmp_path / "journal.db", KILLS, random.Random(3))
    assert len(killed.restored) == KILLS
    alerts = killed.alerts()
    check_that_all_goes_on(killed)

    # what was missed is marked, where the stream went on
    gaps = killed.gaps()
    assert KILLS // 2 <= len(gaps) <= KILLS  # a kill may come before the first samples

    # the subscriber, who asks for what it missed, got exactly what the journal holds
    survey.report(
        "kill -9 of the service at a random instant",
        KILLS,
        len(killed.recovery_s),
        list(map(canonical, alerts)),
        list(map(canonical, killed.received)),
        max(killed.recovery_s),
    )


def test_a_subscriber_is_killed_and_asks_for_what_it_missed(survey, tmp_path):
    journal = tmp_path / "journal.db"
    chance = random.Random(4)
    lines, kills = [], 5
    with serving("--journal", str(journal)) as (_, at):
        follow = ["--connect", at["output"], "--control", at["control"]]
        with sending(at["input"]):
            for _ in range(kills):
                with running("alerts", *follow, "--since", str(last(lines))) as reader:
                    reader.until_lines(lambda new: new)
                    time.sleep(chance.uniform(0.0, 1.5))  # any instant
                    reader.kill()
                    reader.close()
                    lines += [line for line in reader.lines if line.endswith("\n")]
        wait_for(lambda: over(at["control"], [STREAM]), "end of the stream")
        kept = [event for event in history(journal) if event["type"] == "alert"]
        rest = [event for event in kept if event["journal"] > last(lines)]
        if rest:
            count = str(len(rest))
            with running(
                "alerts", *follow, "--since", str(last(lines)), "--count", count
            ) as reader:
                lines += reader.finish()
    survey.report(
        "kill -9 of a subscriber at a random instant",
        kills,
        kills,
        list(map(canonical, kept)),
        [canonical(json.loads(line)) for line in lines],
    )


def last(lines):
    """Number of the last alert that was read."""
    return json.loads(lines[-1])["journal"] if lines else 0


def canonical(alert):
    """One spelling, without the time of writing, which only the journal knows."""
    return json.dumps({k: v for k, v in alert.items() if k != "wall_ns"}, sort_keys=True)
