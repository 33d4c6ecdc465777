"""Every line the C tools print for three programs on MIT-BIH, equal byte for byte."""

import functools
from pathlib import Path

import pytest

from monitor.score import (
    RECORD_SETS,
    Conditions,
    RecordScore,
    choose_records,
    lines,
    read_annotations,
    score_record,
)
from monitor.score.annotations import ML_CLASSES

PROGRAMS = ("osea", "gqrs", "nk")
TABLES = {
    "bxb_L": lines.beat_lines,
    "bxb_l": lines.beat_lines_short,
    "rxr_v": lines.run_lines,
    "rxr_s": lines.sve_run_lines,
}


@functools.cache
def scores_of(data_dir: Path, program: str) -> list[RecordScore]:
    chosen = choose_records(data_dir / "mitdb", data_dir / "ec57" / program, program, None)
    assert tuple(name for name, _, _ in chosen) == RECORD_SETS["mitdb44"]
    return [score_record(ref, test, "atr", program) for _, ref, test in chosen]


@pytest.mark.slow
@pytest.mark.parametrize("totals", [False, True], ids=["lines", "sumstats"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_line_is_equal(data_dir: Path, program: str, table: str, totals: bool) -> None:
    file = data_dir / "ec57" / program / f"{table}{'.sumstats' if totals else ''}.txt"
    expected = file.read_text()
    ours = TABLES[table](scores_of(data_dir, program), totals=totals)
    assert ours.splitlines() == expected.splitlines()
    assert ours == expected


def test_no_truth_file_is_left_out(data_dir: Path) -> None:
    found = {file.name.split(".")[0] for file in (data_dir / "ec57").glob("*/*.txt")}
    assert found == set(TABLES)


@pytest.mark.slow
def test_reference_against_itself_is_perfect(data_dir: Path) -> None:
    for record in RECORD_SETS["mitdb48"]:
        path = data_dir / "mitdb" / record
        score = score_record(path, path, "atr", "atr")
        off_diagonal = score.matrix.sum() - score.matrix.trace()
        assert off_diagonal == 0, record
        assert score.rr_error_ms == 0.0
        assert score.figures.q_se == score.figures.q_pp == 100.0
        for runs in score.runs:
            # where runs follow within two windows the lookup, which only moves on, may miss beats
            assert all(v is None or v >= 75.0 for v in runs.figures().values())
        for episodes in score.episodes:
            assert all(v is None or v == pytest.approx(100) for v in episodes.figures().values())


def test_noise_stress_reference_equals_the_clean_record(data_dir: Path) -> None:
    for name in ("118", "119"):
        clean, noisy = data_dir / "mitdb" / name, data_dir / "nstdb" / f"{name}e_6"
        score = score_record(clean, noisy, "atr", "atr")
        assert score.figures.q_se == score.figures.q_pp == 100.0


def test_class_maps_differ_by_the_escape_beats_only(data_dir: Path) -> None:
    path = data_dir / "mitdb" / "222"  # 212 nodal escape beats
    ec57 = score_record(path, path, "atr", "atr")
    ml = score_record(path, path, "atr", "atr", Conditions(classes="ml"))
    moved = ec57.matrix - ml.matrix
    assert moved[1, 1] == -moved[0, 0] > 0
    assert moved.sum() == 0


@pytest.mark.slow
@pytest.mark.parametrize(("half", "published"), [("ds1", 944), ("ds2", 1837)])
def test_ml_map_gives_the_published_count_of_supraventricular_beats(
    data_dir: Path, half: str, published: int
) -> None:
    found = 0
    for record in RECORD_SETS[half]:
        table, _ = read_annotations(data_dir / "mitdb" / record, "atr")
        found += sum(ML_CLASSES.get(symbol) == "S" for symbol in table.symbols)
    assert found == published
