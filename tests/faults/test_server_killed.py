"""The service and its subscribers are killed again and again: nothing missing, nothing twice."""

import json
import random
import time

import pytest
from fault_parts import over
from killed_service import STREAM, history, kill_again_and_again, plain, sending
from monitor_process import running, serving, wait_for

from monitor.wire.protocol import JOURNALLED

pytestmark = pytest.mark.slow

KILLS = 20


@pytest.mark.timeout(3600)  # 21 starts of the service
def test_the_service_is_killed_at_random_instants(survey, tmp_path):
    killed = kill_again_and_again(tmp_path / "journal.db", KILLS, random.Random(3))
    assert len(killed.restored) == KILLS
    kept = [plain(event) for event in killed.journal]
    alerts = killed.alerts()

    # what was published is in the journal, in the same order
    places = iter(kept)
    missing = [e for e in killed.published if e["type"] in JOURNALLED and e not in places]
    assert not missing

    # all numbers go on
    numbers = [event["journal"] for event in killed.journal]
    assert numbers == list(range(1, len(numbers) + 1))
    own = [event["seq"] for event in alerts if event["id"] >= 0]
    assert own == list(range(own[0], own[0] + len(own)))
    technical = [event["seq"] for event in alerts if event["id"] < 0]
    assert technical == list(range(-1, -len(technical) - 1, -1))

    # what was missed is marked, where the stream went on
    gaps = [event for event in killed.journal if event["type"] == "gap"]
    begins = {event["start_sample"] for event in killed.journal if event["type"] == "info"}
    assert KILLS // 2 <= len(gaps) <= KILLS  # a kill may come before the first samples
    assert {gap["sample"] + gap["length"] for gap in gaps} <= begins

    # every alert is raised once, and lives no longer than to its end
    states = {}
    for event in alerts:
        states.setdefault(event["id"], []).append(event["state"])
    for life in states.values():
        assert life[0] == "raised", life
        assert life.count("raised") == 1, life
        assert "cleared" not in life[:-1], life

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
