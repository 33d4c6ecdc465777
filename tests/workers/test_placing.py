"""Streams are placed by name: always the same, evenly, and few move with one worker more."""

from collections import Counter

import pytest

from monitor.workers.placing import place_of

NAMES = [f"bed-{number}".encode() for number in range(1000)]


def test_one_worker_has_all():
    assert {place_of(name, 1) for name in NAMES} == {0}


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_each_has_its_share(workers):
    shares = Counter(place_of(name, workers) for name in NAMES)
    assert len(shares) == workers
    assert max(shares.values()) < 1.25 * len(NAMES) / workers


def test_with_one_worker_more_streams_move_only_to_it():
    moved = [name for name in NAMES if place_of(name, 4) != place_of(name, 3)]
    assert {place_of(name, 4) for name in moved} == {3}
    assert 200 < len(moved) < 300


def test_the_places_stay_what_they_are():
    """Another order would move the streams of every ward when the program is brought up to date."""
    assert [place_of(name, 2) for name in NAMES[:8]] == PLACES


PLACES = [0, 1, 1, 1, 0, 1, 1, 0]
