"""``ecg-monitor score`` from the outside."""

import json
from pathlib import Path

import numpy as np
import pytest
import wfdb

from monitor.cli import main
from monitor.commands.score import FORMATS

pytestmark = pytest.mark.slow


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two records of 10 min at 100 Hz with a beat a second; the test misses every tenth."""
    ref, test = tmp_path / "ref", tmp_path / "test"
    for folder in (ref, test):
        folder.mkdir()
    for record in ("r1", "r2"):
        (ref / f"{record}.hea").write_text(f"{record} 0 100 60000\n")
        beats = np.arange(50, 60_000, 100)
        wfdb.wrann(record, "atr", beats, ["N"] * len(beats), write_dir=str(ref))
        found = np.delete(beats, slice(None, None, 10))
        wfdb.wrann(record, "mon", found, ["N"] * len(found), write_dir=str(test))
    return ref, test


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main(["score", *(str(arg) for arg in args)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_table(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    folders: tuple[Path, Path],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run(capsys, *folders)
    assert (code, err) == (0, "")
    for words in ("r1", "r2", "gross", "average", "90.00", "ventricular couplet", "Heart rate"):
        assert words in out
    assert "Standard comparison (ANSI/AAMI EC57)" in out


def test_no_figure_is_cut_at_the_edge_of_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    folders: tuple[Path, Path],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ref, _ = folders
    beats = np.arange(50, 60_000, 100)
    symbols = [("N", "V", "S", "F", "/")[k % 5] for k in range(len(beats))]
    wfdb.wrann("r1", "atr", beats, symbols, write_dir=str(ref))
    _, out, _ = run(capsys, ref, ref, "--test-annotator", "atr")
    assert "r1 paced" in out
    assert "100.00  100.00  100.00  100.00  100.00  100.00  100.00  100.00" in out
    assert "…" not in out


def test_what_departs_from_the_standard_is_flagged(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    folders: tuple[Path, Path],
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    odd = ("--window-ms", 100, "--start", "1:00", "--end", "8:00", "--classes", "ml")
    _, out, _ = run(capsys, *folders, *odd)
    assert "NON-STANDARD" in out
    for words in ("match window 100 ms", "starts at 60 s", "ends at 480 s", "class map ml"):
        assert words in out
    _, out, err = run(capsys, *folders, *odd, "--format", "bxb-L")
    assert "non-standard comparison: match window 100 ms" in err
    assert out.startswith("Record Nn'")
    made = json.loads(run(capsys, *folders, *odd, "--format", "json")[1])
    assert made["conditions"]["standard"] is False
    assert len(made["conditions"]["deviations"]) == 4


def test_json(capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path]) -> None:
    code, out, err = run(capsys, *folders, "--format", "json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert made["format"] == "ecg-monitor-score/1"
    assert [record["record"] for record in made["records"]] == ["r1", "r2"]
    assert made["total"]["gross"]["q_se"] == 90.0
    assert made["total"]["gross"]["q_pp"] == 100.0
    assert made["total"]["beats"] == 600
    assert made["conditions"]["standard"] is True
    assert made["files"]["test_annotator"] == "mon"


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_prints_something(
    capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path], form: str
) -> None:
    code, out, err = run(capsys, *folders, "--format", form)
    assert (code, err) == (0, "")
    assert "r1" in out
    assert out.endswith("\n")
    if form not in ("table", "json", "bxb-S", "bxb-s"):
        _, more, _ = run(capsys, *folders, "--format", form, "--totals")
        assert more.startswith(out)
        assert len(more) > len(out)
        assert "Summary of results from 2 records" in more


def test_chosen_records(capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path]) -> None:
    _, out, _ = run(capsys, *folders, "--records", "r2", "--format", "bxb-l")
    assert [line.split()[0] for line in out.splitlines()] == ["Record", "r2"]


def test_single_record_paths(
    capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path]
) -> None:
    ref, test = folders
    for one in (ref / "r1", ref / "r1.hea"):
        _, out, _ = run(capsys, one, test / "r1", "--format", "bxb-l")
        assert [line.split()[0] for line in out.splitlines()] == ["Record", "r1"]


def test_what_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path]
) -> None:
    ref, test = folders
    for wrong in ((ref / "nowhere", test), (ref, test / "nowhere")):
        code, out, err = run(capsys, *wrong)
        assert (code, out) == (2, "")
        assert err.startswith("ecg-monitor: there is no folder or record ")
        assert err.endswith("nowhere\n")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--records", "mitdb44"], 1, "100"),
        (["--test-annotator", "qrs"], 1, "no .qrs files"),
        (["--ref-annotator", "qrs"], 1, "r1.qrs"),
        (["--window-ms", "0"], 2, "match window"),
        (["--window-ms", "inf"], 2, "match window inf s must be positive and finite"),
        (["--start", "9:00", "--end", "8:00"], 2, "come after the start"),
        (["--start", "11:00"], 1, "set an earlier start"),
        (["--totals"], 2, "--totals"),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str],
    folders: tuple[Path, Path],
    options: list[str],
    code: int,
    words: str,
) -> None:
    got, out, err = run(capsys, *folders, *options)
    assert (got, out) == (code, "")
    assert err.startswith("ecg-monitor: ")
    assert words in err
    assert err.count("\n") == 1


def test_paced_records_in_the_totals_are_named(
    capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path]
) -> None:
    ref, test = folders
    wfdb.wrann("r2", "atr", np.array([31_000, 31_100]), ["/", "N"], write_dir=str(ref))
    made = json.loads(run(capsys, ref, test, "--format", "json")[1])
    assert made["total"]["paced_records"] == ["r2"]
    assert "Paced records are in the totals" in run(capsys, ref, test)[1]


def test_a_reference_without_beats_is_named(
    capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path]
) -> None:
    ref, test = folders
    assert "no beats" not in run(capsys, ref, test)[1]
    wfdb.wrann("r2", "atr", np.array([50]), ["+"], aux_note=["(AFIB"], write_dir=str(ref))
    out = " ".join(run(capsys, ref, test)[1].split())
    assert "has no beats, so figures of beats and runs mean nothing, in: r2 (" in out


def test_records_without_test_annotations_are_named(
    capsys: pytest.CaptureFixture[str], folders: tuple[Path, Path]
) -> None:
    ref, test = folders
    words = "Not in the totals, for want of test annotations:"
    assert words not in run(capsys, ref, test)[1]
    (test / "r2.mon").unlink()
    assert f"{words} r2 (" in " ".join(run(capsys, ref, test)[1].split())
    for chosen in ((ref, test, "--records", "r1"), (ref, test / "r1")):
        assert words not in run(capsys, *chosen)[1]
    for k in range(20):
        (ref / f"s{k:02d}.atr").touch()
    out = " ".join(run(capsys, ref, test)[1].split())
    assert f"{words} r2 s00 s01 s02 s03 s04 s05 s06 and 13 more (" in out


def test_shutdowns_without_an_end_are_named(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    folders: tuple[Path, Path],
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    ref, test = folders
    rows = [(31_000, "N", 0), (32_000, "~", 0x30), (33_000, "N", 0)]
    wfdb.wrann(
        "r2",
        "mon",
        np.array([row[0] for row in rows]),
        [row[1] for row in rows],
        subtype=np.array([row[2] for row in rows]),
        write_dir=str(test),
    )
    _, out, _ = run(capsys, ref, test)
    assert "taken to lie between their neighbours, in: r2." in out


def test_mitdb_equals_the_c_tools(capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
    folder = data_dir / "ec57" / "osea"
    _, out, err = run(
        capsys, data_dir / "mitdb", folder, "--test-annotator", "osea",
        "--records", "mitdb44", "--format", "bxb-L", "--totals",
    )  # fmt: skip
    assert err == ""
    assert out == (folder / "bxb_L.sumstats.txt").read_text()
