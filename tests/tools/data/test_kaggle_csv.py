"""The Kaggle files: rows as published are read, others are reported by line."""

import numpy as np
import pytest

from monitor.errors import MonitorError
from tools.data.kaggle_csv import LENGTH, SAMPLES, read_rows


def row(value="0.5", label="0.0", count=SAMPLES):
    return ",".join([value] * count + [label])


def write(folder, lines, name="mitbih_test.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mitbih_train_first10.csv", 10),
        ("mitbih_test_first10.csv", 10),
        ("mitbih_test_first999.csv", 999),
    ],
)
def test_published_files(data_dir, name, count):
    rows = read_rows(data_dir / "kaggle" / name)
    assert rows.signal.shape == (count, LENGTH)
    assert rows.signal.dtype == np.float32
    assert not rows.signal[:, SAMPLES:].any()
    assert rows.signal.max() == 1.0
    assert set(rows.label.tolist()) == {0}
    assert rows.line.tolist() == list(range(1, count + 1))
    assert not rows.not_a_number
    assert not rows.malformed


def test_values_survive_as_written(data_dir):
    path = data_dir / "kaggle" / "mitbih_train_first10.csv"
    expected = np.loadtxt(path, delimiter=",", dtype=np.float64)
    np.testing.assert_array_equal(
        read_rows(path).signal[:, :SAMPLES], expected[:, :SAMPLES].astype(np.float32)
    )


def test_bad_rows_are_left_out_and_reported_by_line(tmp_path):
    lines = [
        row(),
        row(value="nan"),
        row(count=186),
        row(label="7.0"),
        "",
        row(value="x"),
        row(value="1.5"),
        row(label="2.5"),
        row(label="4.0"),
        row(value=""),
        row(label=""),
        row(value="inf"),
    ]
    rows = read_rows(write(tmp_path, lines))
    assert rows.line.tolist() == [1, 9]
    assert rows.label.tolist() == [0, 4]
    assert rows.not_a_number == [2, 10, 11, 12]
    assert [number for number, _ in rows.malformed] == [3, 4, 6, 7, 8]
    reasons = dict(rows.malformed)
    assert "187 values, 188 expected" in reasons[3]
    assert "label 7" in reasons[4]
    assert "0..1" in reasons[7]
    report = rows.report("mitbih_test.csv")
    assert "2 rows" in report[0]
    assert any("line 10: NaN" in line for line in report)


@pytest.mark.slow
def test_rows_beyond_one_chunk_keep_their_line_numbers(tmp_path):
    lines = [row()] * 4100
    lines[4098] = row(count=3)
    rows = read_rows(write(tmp_path, lines))
    assert len(rows.label) == 4099
    assert rows.line[-1] == 4100
    assert [number for number, _ in rows.malformed] == [4099]


def test_labels_of_a_two_class_file(tmp_path):
    path = write(tmp_path, [row(label="1.0"), row(label="2.0")], "ptbdb_abnormal.csv")
    rows = read_rows(path, [0, 1])
    assert rows.label.tolist() == [1]
    assert rows.malformed == [(2, "label 2 is not 0 or 1")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no row"),
        (b"a,b,c\n1,2,3\n", "line 1: 3 values"),
        (b"PK\x03\x04\xff\xfe\x00", "not a text file"),
    ],
)
def test_files_of_another_kind_are_one_clear_error(tmp_path, content, words):
    path = tmp_path / "mitbih_train.csv"
    path.write_bytes(content)
    with pytest.raises(MonitorError, match=words) as caught:
        read_rows(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(MonitorError, match="cannot read"):
        read_rows(tmp_path / "none.csv")
