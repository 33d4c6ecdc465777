"""A real service, killed at any instant: nothing that was published is missing, and it goes on."""

import random

from killed_service import STREAM, kill_again_and_again, lost_and_false, plain

from monitor.wire.protocol import JOURNALLED

KILLS = 2


def test_a_kill_loses_nothing_that_was_published(tmp_path):
    killed = kill_again_and_again(tmp_path / "j.db", KILLS, random.Random(1))
    assert len(killed.restored) == KILLS
    kept = [plain(event) for event in killed.journal]

    # nothing that was published is missing, in the same order
    assert lost_and_false(killed) == ([], [])
    published = [e for e in killed.published if e["type"] in JOURNALLED]
    places = iter(kept)
    assert all(event in places for event in published)

    # the subscriber, who asks for what it missed, got exactly what the journal holds
    alerts = killed.alerts()
    assert killed.received == [{k: v for k, v in e.items() if k != "wall_ns"} for e in alerts]

    # all numbers go on
    numbers = [event["journal"] for event in killed.journal]
    assert numbers == list(range(1, len(numbers) + 1))
    own = [event for event in alerts if event["id"] >= 0]
    assert [event["seq"] for event in own] == list(range(own[0]["seq"], own[0]["seq"] + len(own)))
    technical = [event["seq"] for event in alerts if event["id"] < 0]
    assert technical == list(range(-1, -len(technical) - 1, -1))

    # each restart is a marked gap, where the stream went on
    gaps = [event for event in killed.journal if event["type"] == "gap"]
    infos = [event for event in killed.journal if event["type"] == "info"]
    assert len(gaps) == KILLS
    for gap in gaps:
        assert gap["sample"] + gap["length"] in [info["start_sample"] for info in infos]

    # no alarm is active twice, and each that was raised has been cleared or is active
    active = {}
    for event in alerts:
        if event["state"] == "raised":
            assert event["id"] not in active
        if event["state"] == "cleared":
            assert active.pop(event["id"])
        else:
            active[event["id"]] = event["kind"]
    assert {event["stream"] for event in killed.journal} == {STREAM}
