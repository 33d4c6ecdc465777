"""Reading annotation files: fidelity against a decoder of the format itself, and bad files."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.score import Conditions, choose_records, read_annotations, score_record
from monitor.score.records import read_header

SKIP, NUM, SUB, CHN, AUX, NOTE = 59, 60, 61, 62, 63, 22
CODES = {1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E"}
CODES |= {11: "j", 12: "/", 13: "Q", 14: "~", 16: "|", 28: "+", 31: "!", 32: "[", 33: "]"}
CODES |= {34: "e", 37: "x", 38: "f", 39: "(", 40: ")", 27: "u", 24: "p", 18: "s", 22: '"'}
CODES |= {35: "n", 41: "r", 30: "?", 29: '"'}

Row = tuple[int, str, int, str]


def decode(data: bytes) -> list[Row]:
    """Read the MIT annotation format word by word (WFDB annotation file specification)."""
    rows: list[list[int | str]] = []
    place = at = 0
    while at + 2 <= len(data):
        (word,) = struct.unpack_from("<H", data, at)
        at += 2
        code, value = word >> 10, word & 0x3FF
        if word == 0:
            break
        if code == SKIP:
            high, low = struct.unpack_from("<HH", data, at)
            at += 4
            step = high << 16 | low
            place += step - (1 << 32) if step >> 31 else step
        elif code == SUB:
            rows[-1][2] = value - 256 if value & 0x80 else value
        elif code == AUX:
            rows[-1][3] = data[at : at + value].rstrip(b"\0").decode("latin-1")
            at += value + value % 2
        elif code not in (NUM, CHN):
            place += value
            rows.append([place, CODES[code], 0, ""])
    return [(int(r[0]), str(r[1]), int(r[2]), str(r[3])) for r in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern",
    ["mitdb/*.atr", "vfdb/*.atr", "nstdb/*.atr", "ec57/osea/2*.osea", "ec57/gqrs/1*.gqrs"],
)
def test_reads_what_is_in_the_file(data_dir: Path, pattern: str) -> None:
    files = sorted(data_dir.glob(pattern))[::3]
    assert files
    for file in files:
        table, _ = read_annotations(file.with_suffix(""), file.suffix[1:])
        ours = zip(
            table.samples.tolist(),
            table.symbols,
            table.subtypes.tolist(),
            table.aux,
            strict=True,
        )
        expected = [row for row in decode(file.read_bytes()) if row[1] != '"']
        assert [row for row in ours if row[1] != '"'] == expected, file


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write annotations and perhaps a header; gives the record path."""

    def make(
        folder: str,
        annotator: str,
        samples: list[int],
        symbols: str = "",
        rate_hz: float | None = None,
        length: int = 60_000,
        subtypes: list[int] | None = None,
    ) -> Path:
        where = tmp_path / folder
        where.mkdir(exist_ok=True)
        wfdb.wrann(
            "rec",
            annotator,
            np.array(samples),
            list(symbols or "N" * len(samples)),
            subtype=None if subtypes is None else np.array(subtypes),
            write_dir=str(where),
        )
        if rate_hz is not None:
            (where / "rec.hea").write_text(f"rec 0 {rate_hz:g} {length}\n")
        return where / "rec"

    return make


def test_subtypes_survive(write: Write) -> None:
    path = write("a", "mon", [100, 200, 300], "~N~", subtypes=[0x30, 0, 0])
    table, _ = read_annotations(path, "mon")
    assert table.subtypes.tolist() == [0x30, 0, 0]


def test_length_and_rate_come_from_the_reference_header(write: Write) -> None:
    ref = write("ref", "atr", [31_000, 32_000], rate_hz=100.0)
    test = write("test", "mon", [31_000, 32_000, 33_000])
    score = score_record(ref, test)
    assert (score.rate_hz, score.record) == (100.0, "rec")
    assert score.matrix[0, 0] == 2
    assert score.matrix[5, 0] == 1  # the false beat past the last reference beat counts


def test_header_without_length(write: Write) -> None:
    path = write("ref", "atr", [31_000])
    path.with_suffix(".hea").write_text("rec 0 100\n")
    header = read_header(path)
    assert header is not None
    assert header.frames is None


def test_missing_annotation_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match=r"no annotation file .*nothere\.atr"):
        score_record(tmp_path / "nothere", tmp_path / "nothere")


def test_empty_annotation_file_is_named(write: Write, tmp_path: Path) -> None:
    ref = write("ref", "atr", [31_000], rate_hz=100.0)
    for content in (b"", b"\0\0"):
        (tmp_path / "rec.mon").write_bytes(content)
        with pytest.raises(MonitorError, match=r"rec\.mon"):
            score_record(ref, tmp_path / "rec")


@pytest.mark.parametrize("content", [b"\x01", b"not an annotation file at all", b"\xff" * 64])
def test_broken_annotation_file_is_named(write: Write, tmp_path: Path, content: bytes) -> None:
    ref = write("ref", "atr", [31_000], rate_hz=100.0)
    (tmp_path / "rec.mon").write_bytes(content)
    with pytest.raises(MonitorError, match=r"rec\.mon") as caught:
        score_record(ref, tmp_path / "rec")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"1,N\n2,V\n", b"12:30 N\n12:31 N\n" * 9])
def test_a_text_is_no_annotation_file(write: Write, tmp_path: Path, content: bytes) -> None:
    ref = write("ref", "atr", [31_000], rate_hz=100.0)
    (tmp_path / "rec.mon").write_bytes(content)
    with pytest.raises(MonitorError, match=r"rec\.mon is cut off, or no WFDB annotation file"):
        score_record(ref, tmp_path / "rec")


def test_an_annotation_file_that_is_cut_off_is_named(write: Write) -> None:
    path = write("ref", "atr", [31_000, 200_000, 200_100], "N~N", subtypes=[0, 0x30, 0])
    file = path.with_suffix(".atr")
    whole = file.read_bytes()
    assert read_annotations(path, "atr")[0].samples.tolist() == [31_000, 200_000, 200_100]
    file.write_bytes(whole + b"\0\0")  # padded, as some files are
    assert len(read_annotations(path, "atr")[0]) == 3
    file.write_bytes(whole[:-2])
    with pytest.raises(MonitorError, match=r"rec\.atr is cut off"):
        read_annotations(path, "atr")


def test_different_sampling_rates_are_refused(write: Write) -> None:
    ref = write("ref", "atr", [31_000], rate_hz=100.0)
    test = write("test", "mon", [31_000], rate_hz=250.0)
    with pytest.raises(MonitorError, match=r"sampling rates differ: .*100 Hz.*250 Hz"):
        score_record(ref, test)


def test_no_sampling_rate_anywhere_is_refused(write: Write) -> None:
    ref, test = write("ref", "atr", [31_000]), write("test", "mon", [31_000])
    with pytest.raises(MonitorError, match="no sampling rate"):
        score_record(ref, test)


def test_broken_header_is_named(write: Write) -> None:
    ref = write("ref", "atr", [31_000])
    ref.with_suffix(".hea").write_text("???\n")
    with pytest.raises(MonitorError, match=r"rec\.hea"):
        score_record(ref, ref, "atr", "atr")


def test_a_bad_date_in_a_header_does_not_matter(write: Write) -> None:
    ref = write("ref", "atr", [31_000, 32_000])
    ref.with_suffix(".hea").write_text("rec 0 100 60000 25:61:00 31/02/20x5\n")
    score = score_record(ref, ref, "atr", "atr")
    assert (score.rate_hz, score.matrix[0, 0]) == (100.0, 2)


def test_record_that_ends_in_the_learning_period_is_named(write: Write) -> None:
    ref = write("ref", "atr", [100], rate_hz=100.0, length=2000)
    with pytest.raises(MonitorError, match="record rec ends at 20 s"):
        score_record(ref, ref, "atr", "atr")
    assert score_record(ref, ref, "atr", "atr", Conditions(start_s=0)).matrix[0, 0] == 1


def test_of_many_records_that_with_a_bad_measurement_is_named(tmp_path: Path) -> None:
    (tmp_path / "r7.hea").write_text("r7 0 100 60000\n")
    for annotator in ("atr", "mon"):
        aux = ["", "fast"]
        wfdb.wrann("r7", annotator, np.array([31_000, 32_000]), ["N", "="], aux_note=aux,
                   write_dir=str(tmp_path))  # fmt: skip
    with pytest.raises(MonitorError, match=r"record r7: measurement .* 32000 holds 'fast'"):
        score_record(tmp_path / "r7", tmp_path / "r7")


class TestChoosingRecords:
    @pytest.fixture
    def folders(self, tmp_path: Path) -> tuple[Path, Path]:
        ref, test = tmp_path / "ref", tmp_path / "test"
        ref.mkdir()
        test.mkdir()
        for name in ("a1", "b2"):
            (ref / f"{name}.atr").touch()
            (test / f"{name}.mon").touch()
        return ref, test

    def test_every_test_file_by_default(self, folders: tuple[Path, Path]) -> None:
        ref, test = folders
        chosen = choose_records(ref, test, "mon", None)
        assert chosen == [("a1", ref / "a1", test / "a1"), ("b2", ref / "b2", test / "b2")]

    def test_a_list_and_a_named_set(self, folders: tuple[Path, Path]) -> None:
        ref, test = folders
        assert [c[0] for c in choose_records(ref, test, "mon", "b2, a1")] == ["b2", "a1"]
        assert [c[0] for c in choose_records(ref, test, "mon", "a1,b2,a1")] == ["a1", "b2"]
        assert len(choose_records(ref, test, "mon", "mitdb44")) == 44
        assert len(choose_records(ref, test, "mon", "mitdb48")) == 48
        ds1 = {c[0] for c in choose_records(ref, test, "mon", "ds1")}
        ds2 = {c[0] for c in choose_records(ref, test, "mon", "ds2")}
        assert len(ds1 | ds2) == 44

    def test_single_records(self, folders: tuple[Path, Path]) -> None:
        ref, test = folders
        one = ("a1", ref / "a1", test / "a1")
        assert choose_records(ref / "a1", test / "a1", "mon", None) == [one]
        assert choose_records(ref, test / "a1", "mon", None) == [one]
        assert choose_records(ref / "a1", test, "mon", "a1") == [one]

    def test_records_may_have_different_names(self, folders: tuple[Path, Path]) -> None:
        ref, test = folders
        chosen = choose_records(ref / "a1", test / "b2", "mon", None)
        assert chosen == [("b2", ref / "a1", test / "b2")]

    @pytest.mark.parametrize(
        ("ref", "test", "annotator", "wanted", "words"),
        [
            ("", "", "gqrs", None, "no .gqrs files"),
            ("", "", "mon", "a1,,b2", "separated by commas"),
            ("a1", "", "mon", None, "is one record"),
            ("", "a1", "mon", "b2", "is one record"),
            ("", "a1.mon", "mon", None, r"a1\.mon is a file: give its record, .*a1; "),
            ("a1.atr", "", "mon", None, r"a1\.atr is a file: give its record, .*a1; "),
        ],
    )
    def test_what_cannot_be_chosen(
        self,
        folders: tuple[Path, Path],
        ref: str,
        test: str,
        annotator: str,
        wanted: str | None,
        words: str,
    ) -> None:
        with pytest.raises(MonitorError, match=words):
            choose_records(folders[0] / ref, folders[1] / test, annotator, wanted)
