"""Fitting the score of fast runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb

from monitor.messages import AlertKind
from monitor.sources.simulator import Simulator, simulate
from monitor.stages.alarms.rules import BEAT_RULES
from monitor.stages.alarms.runs import FEATURES, probability
from tools.train.runs import Bag, Looks, bags_of, fit, look, written


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


def test_a_stretch_of_a_record_is_true_or_false(tmp_path: Path) -> None:
    folder = tmp_path / "cinc2015-more"
    folder.mkdir()
    (folder / "ALARMS").write_text(
        "v1,Ventricular_Tachycardia,1\nv2,Ventricular_Tachycardia,0\n"
        "a1,Asystole,0\na2,Asystole,1\nf1,Ventricular_Flutter_Fib,0"
    )
    rows = np.arange(3.0)[:, None] * np.ones(len(FEATURES))
    looks = Looks(rows, np.array([[50, 52, 54], [110, 112, 114], [111, 113, 115]], float), 120.0)
    found = {name: bags_of(folder / name, looks) for name in ("v1", "v2", "a1", "a2", "f1")}
    assert [(b.ventricular, b.weight, len(b.rows)) for b in found["v1"]] == [(True, 5.0, 2)]
    assert [(b.ventricular, b.weight, len(b.rows)) for b in found["v2"]] == [(False, 1.0, 2)]
    assert [(b.ventricular, b.weight, len(b.rows)) for b in found["a1"]] == [(False, 0.5, 2)]
    assert found["a2"] == found["f1"] == []


def test_looking_leaves_the_rule_as_it_was(tmp_path: Path) -> None:
    """A simulated tachycardia is looked at at each of its beats, and the rule of VT is back."""
    shipped = BEAT_RULES[AlertKind.VT]
    signal_mv, _ = simulate(Simulator("vt", rate_hz=250.0, leads=("II", "V5")))
    wfdb.wrsamp(
        "vt", 250.0, ["mV"] * 2, ["II", "V5"], signal_mv[:15000].astype(float), fmt=["16"] * 2,
        adc_gain=[200.0] * 2, baseline=[0] * 2, write_dir=str(tmp_path),
    )  # fmt: skip
    looks = look(tmp_path / "vt")
    assert BEAT_RULES[AlertKind.VT] is shipped
    assert looks.length_s == 60.0
    assert looks.rows.shape == (len(looks.times_s), len(FEATURES))
    assert len(looks.rows) > 10
    assert (np.diff(looks.times_s[:, 2]) >= 0.0).all()
    pace_s = (looks.times_s[:, 1] - looks.times_s[:, 0]) / 4
    assert pace_s.max() <= 0.6
    assert max(probability(row) for row in looks.rows) > 0.9
