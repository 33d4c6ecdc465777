"""Fitting the score of fast runs."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.stages.alarms.run_weights import BIAS, TABLE
from monitor.stages.alarms.runs import FEATURES
from tools.train.runs import Bag, fit, written


def bags() -> list[Bag]:
    """Of true bags one look is ventricular, by the first feature; the others are as in false."""
    rng = np.random.default_rng(3)
    made = []
    for i in range(60):
        x = rng.normal(size=(6, len(FEATURES)))
        x[0, 5] = np.nan
        if i % 2:
            x[2, 0] += 5.0
        made.append(Bag(x, bool(i % 2), 1.0, f"made/{i}"))
    return [*made, Bag(np.empty((0, len(FEATURES))), True, 1.0, "made/empty")]


def test_one_convincing_look_is_enough() -> None:
    found = fit(bags())
    assert np.abs(found.weights).argmax() == 0
    odds = [(found.most(bag), bag.ventricular) for bag in bags()[:-1]]
    assert np.mean([(value > np.median([v for v, _ in odds])) == y for value, y in odds]) > 0.95
    assert found.most(bags()[-1]) == -20.0


def test_fitting_again_gives_the_same() -> None:
    assert written(fit(bags()), "x") == written(fit(bags()), "x")


def test_the_shipped_weights_are_of_these_features() -> None:
    assert tuple(name for name, *_ in TABLE) == FEATURES
    assert min(scale for _, _, scale, _ in TABLE) > 0.0
    assert pytest.approx(BIAS, abs=5.0) == 0.0
