"""The fuzz targets on their examples, and on thousands of variations of them."""

import random

import pytest

from tools.fuzz.__main__ import NAMES
from tools.fuzz.mutations import mutated
from tools.fuzz.targets import TARGETS

VARIATIONS = 1500


def test_the_tool_names_all_targets():
    assert tuple(TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_variations_are_accepted_or_refused(name):
    take, seeds = TARGETS[name]
    draw = random.Random(name)
    for seed in seeds:
        take(seed)
    for _ in range(VARIATIONS):
        data = draw.choice(seeds)
        for _ in range(draw.randint(1, 4)):
            data = mutated(data, draw)
        try:
            take(data)
        except Exception as error:
            error.add_note(f"input: {data[:2000]!r}")
            raise


@pytest.mark.parametrize("name", ["lines", "journal", "signal"])
def test_the_examples_are_accepted_themselves(name, monkeypatch):
    def refused(error):
        raise error

    monkeypatch.setattr("tools.fuzz.targets._one_line", refused)
    for seed in TARGETS[name].seeds:
        TARGETS[name].take(seed)
