"""The caution in noise is chosen by the stated rule, from what the detector makes of noise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.config import DetectSettings
from monitor.score import RECORD_SETS
from monitor.stages.detect.caution import Caution
from tools import choose_caution
from tools.choose_caution import NONE, VALUES, Counts, bounds, choose, cost, errors, parts


def counts_of(price: Callable[[Caution], float]) -> Callable[[Caution], Counts]:
    return lambda caution: np.array([[[round(price(caution)), 0]]])


def far_from(wanted: Caution) -> Callable[[Caution], float]:
    return lambda c: sum(abs(getattr(c, name) - getattr(wanted, name)) for name in VALUES) * 1000


def test_a_false_beat_costs_what_the_detector_says(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.array([[[3, 2], [1, 0]]])
    assert cost(counts) == 6
    monkeypatch.setattr(choose_caution, "DetectSettings", lambda: DetectSettings(false_cost=2.0))
    assert cost(counts) == 8


def test_the_cheapest_settings_are_found_from_no_caution() -> None:
    wanted = Caution(-2.0, -0.6, 1.5, -2.5, 0.75, 0.25)
    assert choose(counts_of(far_from(wanted)), counts_of(lambda c: 0.0)) == wanted


def test_what_loses_on_clean_signal_is_not_chosen() -> None:
    wanted = replace(NONE, odds=2.0)
    chosen = choose(counts_of(far_from(wanted)), counts_of(lambda c: 5.0 + (c.odds > 1.0)))
    assert chosen == replace(NONE, odds=1.0)


def test_settings_that_make_no_difference_stay_as_they_are() -> None:
    assert choose(counts_of(lambda c: 7.0), counts_of(lambda c: 0.0)) == NONE


def test_the_bounds_are_of_the_records_drawn_again() -> None:
    one = np.array([[[10, 0]], [[10, 0]], [[10, 0]], [[10, 0]]])
    other = np.array([[[7, 0]], [[7, 0]], [[7, 0]], [[7, 0]]])
    assert bounds(one, other, 0) == (12.0, 12.0)
    low, high = bounds(one, np.array([[[0, 0]], [[0, 0]], [[0, 0]], [[30, 0]]]), 0)
    assert low < 0 < high


def test_no_noise_is_made_from_the_records_of_the_noise_stress_test(data_dir: Path) -> None:
    assert set(choose_caution.NO_NOISE) == {p.name[:3] for p in (data_dir / "nstdb").glob("1*.hea")}


def test_caution_gives_up_beats_for_false_ones_in_noise(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose_caution, "NOISES", (("motion", 24.0), ("motion", -6.0)))
    quiet, loud = parts(data_dir, RECORD_SETS["ds1"][0], False, 0)
    parts.cache_clear()
    again = parts(data_dir, RECORD_SETS["ds1"][0], False, 0)[1]
    for (block, _), (same, _) in zip(loud.hops, again.hops, strict=True):
        assert np.array_equal(block.values_mv, same.values_mv)
    assert errors(quiet, NONE) == errors(quiet, Caution())
    missed, false = errors(loud, NONE)
    with_caution = errors(loud, Caution())
    assert with_caution[0] > missed
    assert with_caution[1] < false / 1.5
    parts.cache_clear()


def test_an_unknown_record_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert choose_caution.main(["--data", str(tmp_path), "--records", "101"]) == 1
    assert "101" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (["101", "100"], "invalid choice: '100'"),
        (["118e_6"], "invalid choice"),
        (["118", "119"], "besides 118 and 119"),
    ],
)
def test_only_records_of_ds1_are_taken_and_one_at_least_gets_noise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], records: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        choose_caution.main(["--data", str(tmp_path), "--records", *records])
    assert stop.value.code == 2
    assert words in capsys.readouterr().err
