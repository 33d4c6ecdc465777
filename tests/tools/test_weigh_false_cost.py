"""The cost of a false beat is bounded by what the detector misses and invents in made noise."""

from pathlib import Path

import numpy as np
import pytest

from tools import choose_caution, weigh_false_cost
from tools.weigh_false_cost import count, evenest, fewest


def test_the_two_bounds_are_the_evenest_and_the_fewest() -> None:
    counts = {
        0.5: np.array([[1, 9], [1, 9]]),
        1.0: np.array([[4, 6], [6, 4]]),
        2.0: np.array([[6, 2], [6, 2]]),
    }
    assert evenest(counts) == 1.0
    assert fewest(counts) == 2.0


def test_a_higher_cost_gives_fewer_false_beats_and_more_missed_ones(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose_caution, "NOISES", (("motion", -6.0),))
    monkeypatch.setattr(weigh_false_cost, "COSTS", (0.5, 2.8))
    choose_caution.parts.cache_clear()
    cheap, dear = count(data_dir, 0, "106").values()
    choose_caution.parts.cache_clear()
    assert cheap.shape == (1, 2)
    assert dear[0, 0] > cheap[0, 0]
    assert dear[0, 1] < cheap[0, 1]


@pytest.mark.parametrize("record", ["118", "100"])  # of NSTDB, of DS2
def test_only_records_to_choose_by_are_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record: str
) -> None:
    with pytest.raises(SystemExit):
        weigh_false_cost.main(["--data", str(tmp_path), "--records", "106", record])
    assert f"invalid choice: '{record}'" in capsys.readouterr().err


def test_an_unknown_record_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weigh_false_cost.main(["--data", str(tmp_path), "--records", "101"]) == 1
    assert "101" in capsys.readouterr().err
