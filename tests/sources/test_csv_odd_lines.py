"""Odd lines: counted and told, their samples are missing, everything else is as it was."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.sources.calibration import Calibration
from monitor.sources.text.columns import TextOptions
from monitor.sources.text.source import CsvLines

ROOT = Path(__file__).resolve().parents[2]


def play(path, text, **options):
    path.write_bytes(text.encode())
    notes = []
    source = CsvLines(path, TextOptions(**{"rate_hz": 250.0, **options}), log=notes.append)
    chunks = [chunk for chunk in source.chunks() if len(chunk.values_mv)]
    index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in chunks])
    return index, np.concatenate([c.values_mv for c in chunks]), notes


def rows(count=600, time=False):
    stamp = "{0:.3f}," if time else ""
    return [(stamp + "{1},{2}").format(i / 250, i % 50, -(i % 40)) for i in range(count)]


HEADER = "II [mV],V5 [mV]"


@pytest.mark.parametrize(
    ("odd", "missing", "why"),
    [
        ("!", (1, 1), "1 field(s) where 2 are expected"),
        ("leads off", (1, 1), "1 field(s) where 2 are expected"),
        ("3,!", (0, 1), "'!' is no number"),
        ("oops,4", (1, 0), "'oops' is no number"),
        ("1,2,3", (1, 1), "3 field(s) where 2 are expected"),
        ("0x1f,1_000", (1, 1), "'0x1f' is no number"),
        ("\x00\xff\xfe,\x07", (1, 1), "is no number"),
        ("9" * 70_000, (1, 1), "1 field(s) where 2 are expected"),
    ],
)
def test_an_odd_line_is_a_missing_sample(tmp_path, odd, missing, why):
    lines = rows()
    index, values, notes = play(
        tmp_path / "x.csv", "\n".join([HEADER, *lines[:300], odd, *lines[301:]]) + "\n"
    )
    assert index.tolist() == list(range(600))
    expected = np.array([[float(f) for f in line.split(",")] for line in lines])
    expected[300, np.array(missing, bool)] = np.nan
    np.testing.assert_array_equal(
        values[300, np.array(missing, bool)], np.full(sum(missing), np.nan)
    )
    others = np.arange(600) != 300
    np.testing.assert_allclose(values[others], expected[others], rtol=1e-6)
    assert len(notes) == 1
    assert "line 302: " in notes[0]
    assert why in notes[0]


@pytest.mark.parametrize("odd", [HEADER, "# a remark", ""])
def test_a_second_header_and_a_remark_are_no_samples(tmp_path, odd):
    lines = rows()
    index, values, notes = play(
        tmp_path / "x.csv", "\n".join([HEADER, *lines[:300], odd, *lines[300:]]) + "\n"
    )
    assert index.tolist() == list(range(600))
    assert not np.isnan(values).any()
    assert notes == (["stream x: line 302: the header again"] if odd == HEADER else [])


def test_a_line_that_was_cut_off_at_the_end_is_no_sample(tmp_path):
    index, values, notes = play(tmp_path / "x.csv", "\n".join([HEADER, *rows(), "0.12"]))
    assert len(index) == 600
    assert not np.isnan(values).any()
    assert notes == ["stream x: line 602: the text ends within it"]


def test_with_a_time_column_a_line_without_time_is_one_sample_too(tmp_path):
    lines = rows(time=True)
    text = ["time," + HEADER, *lines[:300], "!", *lines[301:400], "1.6,!,3", *lines[401:]]
    index, values, notes = play(tmp_path / "x.csv", "\n".join(text) + "\n")
    assert index.tolist() == list(range(600))
    assert np.isnan(values[300]).all()
    assert np.isnan(values[400, 0])
    assert np.isnan(values).sum() == 3
    assert [note.split(": ")[1] for note in notes[:1]] == ["line 302"]


def test_odd_lines_are_told_at_the_1st_10th_100th_and_in_all(tmp_path):
    lines = ["ECG [mV]", *(str(i % 50) for i in range(1000)), *["!"] * 150, *["1"] * 10]
    index, values, notes = play(tmp_path / "x.csv", "\n".join(lines) + "\n")
    assert np.isnan(values[:, 0]).tolist() == [False] * 1000 + [True] * 150 + [False] * 10
    assert len(index) == 1160
    ends = ["is no number", "10 odd lines so far", "100 odd lines so far", "150 odd lines in all"]
    assert all(note.endswith(end) for note, end in zip(notes, ends, strict=True))


def test_electrodes_may_be_off_for_most_of_the_time_and_from_the_beginning(tmp_path):
    mark = Calibration(gain=200, baseline=512)
    text = "!\n" * 3000 + "".join(f"{500 + i % 50}\n" for i in range(500))
    index, values, _ = play(tmp_path / "x.txt", text, calibration=mark)
    assert len(index) == 3500
    assert np.isnan(values[:3000]).all()
    assert values[3000:3050, 0] == pytest.approx((np.arange(50) - 12) / 200)


def test_most_lines_odd_is_an_error_that_says_what_to_do(tmp_path):
    lines = [HEADER, "1,2", "3,4", "5,6", *(f"{i},{i + 1},{i + 2}" for i in range(300))]
    with pytest.raises(MonitorError, match=r"lines do not fit .*each line must have") as error:
        play(tmp_path / "x.csv", "\n".join([*lines[:4], *(["x1;2"] * 300)]))
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_pieces_of_any_size_give_the_same(tmp_path, step):
    lines = rows()
    text = "\n".join([HEADER, *lines[:300], "!", HEADER, "1,!", *lines[301:], "0.12"]).encode()
    whole = play(tmp_path / "x.csv", text.decode())
    code = (
        "import sys, time\n"
        f"data = open({str(tmp_path / 'x.csv')!r}, 'rb').read()\n"
        f"for at in range(0, len(data), {step}):\n"
        f"    sys.stdout.buffer.write(data[at:at + {step}]); sys.stdout.buffer.flush()\n"
    )
    read = (
        "import numpy as np\n"
        "from monitor.sources.text.source import CsvLines\n"
        "from monitor.sources.text.columns import TextOptions\n"
        "values = [c.values_mv for c in CsvLines(None, TextOptions(250.0)).chunks()]\n"
        "print(np.concatenate(values).tobytes().hex())\n"
    )
    sender = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    done = subprocess.run(
        [sys.executable, "-c", read], stdin=sender.stdout, capture_output=True, text=True,
        cwd=ROOT, timeout=600, check=True,
    )  # fmt: skip
    sender.stdout.close()
    assert sender.wait() == 0
    assert done.stdout.strip() == whole[1].tobytes().hex()


@pytest.mark.parametrize("huge", ["9" * 40, "9" * 400])
def test_a_number_that_no_voltage_has_is_a_missing_sample(tmp_path, huge):
    lines = rows()
    lines[300] = f"{huge},4"
    index, values, _ = play(tmp_path / "x.csv", "\n".join([HEADER, *lines]) + "\n")
    assert index.tolist() == list(range(600))
    assert np.argwhere(np.isnan(values)).tolist() == [[300, 0]]


@pytest.mark.parametrize("stamp", ["12:00:0" + "9" * 400, "9" * 400 + ":10:01"])
def test_a_clock_that_no_day_has_is_no_time(tmp_path, stamp):
    lines = rows()
    with pytest.raises(MonitorError, match="say the sampling rate"):
        play(
            tmp_path / "x.csv",
            "\n".join(["time," + HEADER, *(f"{stamp},{line}" for line in lines)]) + "\n",
            rate_hz=None,
        )
