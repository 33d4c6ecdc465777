"""CSV as a source: the samples of a record written as text and read back; and what is refused."""

import os
import threading

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.sources.calibration import Calibration
from monitor.sources.csv_lines import CsvLines
from monitor.sources.csv_table import Said


def read(path, unit=None, gain=None, baseline=0.0, strict=True, say=lambda text: None, **said):
    calibration = Calibration(unit, gain, baseline, strict)
    said = Said(**{"rate_hz": 250.0, "calibration": calibration, **said})
    source = CsvLines(path, said, say=say)
    chunks = [c for c in source.chunks() if len(c.values_mv)]
    index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in chunks])
    return source.info, index, np.concatenate([c.values_mv for c in chunks])


@pytest.fixture
def text(tmp_path):
    def write(*lines, name="bed7.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_a_record_as_text_is_the_record(tmp_path, data_dir):
    record = wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=20_000)
    path = tmp_path / "208.csv"
    header = "time [s],MLII [uV],V1 [mV]"
    table = np.column_stack([np.arange(20_000) / 360, record.p_signal * [1000, 1]])
    np.savetxt(path, table, fmt="%.7g", delimiter=",", header=header, comments="")
    info, index, values = read(path, rate_hz=360.0)
    assert (info.stream, info.rate_hz, info.leads) == ("208", 360.0, ("MLII", "V1"))
    assert (index == np.arange(20_000)).all()
    assert np.abs(values - record.p_signal).max() < 1e-6


@pytest.mark.parametrize("delimiter", [",", "\t", ";", ", "])
def test_delimiters(text, delimiter):
    info, _, values = read(text(*(delimiter.join(p) for p in ("ab", "12", "34"))), unit="mV")
    assert info.leads == ("a", "b")
    assert values.tolist() == [[1, 2], [3, 4]]


def test_the_lines_of_rdsamp(text):
    path = text(
        "'Elapsed time','MLII','V5'",
        "'hh:mm:ss.mmm','mV','mV'",
        *(f"'{i // 15000}:{i / 250 % 60:06.3f}',-0.{i % 7},0.065" for i in range(600)),
    )
    info, index, values = read(path)
    assert info.leads == ("MLII", "V5")
    assert (index == np.arange(600)).all()
    assert values[:3] == pytest.approx(np.array([[0, 0.065], [-0.1, 0.065], [-0.2, 0.065]]))


@pytest.mark.parametrize(
    ("header", "unit", "factor"),
    [
        ("II [mV]", None, 1),
        ("II (uV)", None, 1e-3),
        ("II_mV", None, 1),
        ("II µV", None, 1e-3),
        ("II [V]", None, 1e3),
        ("II", "uV", 1e-3),
        ("II", "nV", 1e-6),
        ("II [mV]", "mv", 1),
    ],
)
def test_units(text, header, unit, factor):
    info, _, values = read(text(header, "1.5"), unit=unit)
    assert info.leads == ("II",)
    assert values[0, 0] == pytest.approx(1.5 * factor)


def test_missing_values_are_invalid_samples(text):
    path = text("II,V5", "1,2", ",2", "nan,2", "1,NA", "# a remark", "", "1,-inf")
    _, index, values = read(path, unit="mV")
    assert index.tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(values).tolist() == [[0, 0], [1, 0], [1, 0], [0, 1], [0, 1]]


def test_names_say_what_columns_without_header_are(text):
    lines = [f"{i / 250},{i},{-i}" for i in range(500)]
    info, index, values = read(text(*lines), leads=("time", "II", "V5"), unit="uV")
    assert info.leads == ("II", "V5")
    assert (index == np.arange(500)).all()
    assert values[:, 1] == pytest.approx(-np.arange(500) / 1000)


def test_leads_are_chosen_from_the_header(text):
    path = text("I,II,V5,resp", "1,2,3,4")
    assert read(path, unit="mV")[0].leads == ("II", "V5")
    assert read(path, unit="mV", leads=("V5", "i"))[2].tolist() == [[3, 1]]


@pytest.mark.parametrize(
    "stamp",
    [
        ("time", lambda i: f"{i / 250:.4f}"),
        ("time_ms", lambda i: f"{4 * i}"),
        ("timestamp [us]", lambda i: f"{1_700_000_000_000_000 + 4000 * i}"),
        ("t", lambda i: f"2026-03-01T23:{58 + i // 15000:02}:{i / 250 % 60:09.6f}"),
        ("sample", str),
    ],
    ids=["s", "ms", "us", "iso", "index"],
)
def test_a_time_column_shows_what_is_missing_and_what_came_twice(text, stamp):
    name, form = stamp
    rows = [*range(700), *range(850, 1200), *range(1100, 2000)]
    path = text(f"{name},II [mV]", *(f"{form(i)},{i / 1000}" for i in rows))
    _, index, values = read(path)
    assert index.tolist() == [*range(700), *range(850, 2000)]
    assert values[:, 0] == pytest.approx(index / 1000)


@pytest.mark.parametrize(
    ("lines", "wish", "complaint"),
    [
        (["II,V5", "1,2"], {}, "unit of II, V5 is not said: add --unit"),
        (["II [uV]", "1"], {"unit": "mV"}, "II is in uV, but --unit says mV"),
        (["II", "1"], {"unit": "adu"}, "unit 'adu' is not a voltage"),
        (["1,2", "3,4"], {"unit": "mV"}, "has no header: name its 2 column"),
        (["1,2", "3,4"], {"unit": "mV", "leads": ("II",)}, "has no header"),
        (["II,V5", "1,2,3"], {"unit": "mV"}, "header names 2 column.*lines have 3 field"),
        (["II,V5", "1,2", *["1,2,3"] * 9], {"unit": "mV"}, "9 of 10 lines do not fit"),
        (["time_fortnights,II"], {"unit": "mV"}, "holds no lines of numbers"),
        (["EEG,resp", "1,2"], {"unit": "mV"}, "no ECG lead"),
        (["II", "1"], {"unit": "mV", "leads": ("V9",)}, "no lead 'V9'"),
        (["II", "1"], {"unit": "mV", "rate_hz": 20.0}, "20 Hz is outside"),
        ([""], {}, "is empty"),
        (["II", "1" * 66_000], {"unit": "mV"}, "no lines of numbers"),
        (["II", "1" * 200_000], {"unit": "mV"}, "no lines of numbers"),
    ],
)
def test_what_is_wrong_is_said(text, lines, wish, complaint):
    with pytest.raises(MonitorError, match=complaint) as error:
        read(text(*lines), **wish)
    assert "\n" not in str(error.value)


def test_stamps_of_another_rate_are_refused(text):
    path = text("time_ms,II [mV]", *(f"{2 * i},0" for i in range(600)))
    with pytest.raises(MonitorError, match="announced at 250 Hz, but its time stamps say 500 Hz"):
        read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MonitorError, match=r"cannot read .*none\.csv: No such file"):
        read(tmp_path / "none.csv")


def test_lines_of_a_pipe_are_given_as_they_come(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    given = threading.Event()

    def write():
        with pipe.open("w", encoding="utf-8", buffering=1) as out:
            out.write("II [mV]\n1\n2\n")
            given.wait(600)  # the next line is written once the first were read
            out.write("3\n4")

    writer = threading.Thread(target=write)
    writer.start()
    values, silences = [], 0
    for chunk in CsvLines(pipe, Said(250.0)).chunks():
        values += chunk.values_mv[:, 0].tolist()
        if not len(chunk.values_mv) and not given.is_set():
            silences += 1  # the pipe is open, nothing comes, and we are told so
            assert values == [1, 2]
            given.set()
    writer.join()
    assert values == [1, 2, 3, 4]
    assert silences == 1


def test_the_pulse_follows_the_leads_as_it_is(text):
    path = text("PLETH,II [uV],ABP [mmHg]", "0.5,1000,80", "0.6,2000,90")
    info, _, values = read(path, pulse="auto")
    assert (info.leads, info.pulse) == (("II", "ABP"), "ABP")
    assert values.tolist() == [[1, 80], [2, 90]]
    info, _, values = read(path, pulse="pleth")
    assert (info.leads, info.pulse, values[0, 1]) == (("II", "PLETH"), "PLETH", 0.5)
    assert read(path)[0].leads == read(path, pulse="off")[0].leads == ("II",)


def test_the_pulse_among_columns_without_header(text):
    path = text("1000,0.5", "2000,0.6")
    info, _, values = read(path, leads=("II", "finger"), unit="uV", pulse="finger")
    assert (info.leads, info.pulse) == (("II", "finger"), "finger")
    assert values[1] == pytest.approx([2, 0.6])
