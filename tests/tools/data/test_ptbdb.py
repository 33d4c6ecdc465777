"""The PTB database: lead, diagnosis, beats and splits, on a real record and on made ones."""

from pathlib import Path

import numpy as np
import pytest
from ptb_records import BEAT_S, write_record

from monitor.errors import MonitorError
from tools.data.kachuee import LENGTH
from tools.data.ptbdb import (
    CLASSES,
    PtbRecord,
    build,
    diagnosis,
    download,
    main,
    read_record,
    record_paths,
    rows,
    split,
)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ptbdb")
    for k in range(3):
        write_record(folder, f"patient00{k}", f"s000{k}", "Healthy control")
        write_record(folder, f"patient10{k}", f"s010{k}", "Myocardial infarction", height_mv=0.8)
    write_record(folder, "patient100", "s0109", "Myocardial infarction")
    write_record(folder, "patient200", "s0200", "Cardiomyopathy")
    write_record(folder, "patient201", "s0201", "n/a")
    return folder


@pytest.fixture(scope="module")
def data(database):
    return build(database)


def test_a_real_record(data_dir):
    record = read_record(data_dir / "wfdb-samples" / "s0010_re")
    assert (record.lead, record.rate_hz) == ("ii", 1000.0)
    assert record.diagnosis == "Myocardial infarction"
    assert record.signal_mv.shape == (38400,)
    # first value of lead ii in the header: -458 units of 1/2000 mV
    assert record.signal_mv[0] == pytest.approx(-458 / 2000)
    assert read_record(data_dir / "wfdb-samples" / "s0010_re", "V1").lead == "v1"


def test_beats_of_a_real_record(data_dir, tmp_path):
    place = tmp_path / "patient001"
    place.mkdir()
    for ending in ("hea", "dat"):
        content = (data_dir / "wfdb-samples" / f"s0010_re.{ending}").read_bytes()
        (place / f"s0010_re.{ending}").write_bytes(content)
    found = build(tmp_path)
    # RR intervals are 0.72 to 0.76 s throughout: 51 to 53 beats in 38.4 s, less the last two
    assert 48 <= len(found.label) <= 51
    assert set(found.label.tolist()) == {1}
    assert found.signal.min() == 0.0
    assert found.signal.max() == 1.0
    with pytest.raises(MonitorError, match="Healthy control"):
        split(found, 1)


def test_leads_that_are_not_there_are_named(data_dir):
    with pytest.raises(MonitorError, match="no lead 'aVX'; it has i, ii"):
        read_record(data_dir / "wfdb-samples" / "s0010_re", "aVX")


def test_missing_records_are_one_clear_error(tmp_path):
    with pytest.raises(MonitorError, match="cannot read record"):
        read_record(tmp_path / "none")
    with pytest.raises(MonitorError, match=r"tools\.data\.ptbdb --download"):
        record_paths(tmp_path)


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        (["age: 3", "Reason for admission: Healthy control"], "Healthy control"),
        (["reason for admission:Myocardial infarction "], "Myocardial infarction"),
        (["Reason for admission: n/a"], ""),
        (["Diagnose:", "Smoker: no"], ""),
        ([], ""),
    ],
)
def test_diagnosis(comments, expected):
    assert diagnosis(comments) == expected


def test_rows_start_at_the_r_peak_and_end_behind_the_next():
    peaks = np.array([500, 1500, 2500, 3500])
    signal = np.zeros(4000)
    signal[:] = np.interp(np.arange(4000) % 1000, [0, 300, 500, 700, 999], [0, 0, 1, 0, 0])
    found = rows(PtbRecord("made", signal, 1000.0, "ii", ""), peaks)
    assert found.shape == (2, LENGTH)
    assert found[0, 0] == pytest.approx(1.0, abs=0.02)
    assert found[0, 120] == pytest.approx(1.0, abs=0.02)  # 1 s later, at 120 Hz
    assert not found[0, 144:].any()  # 1.2 s
    np.testing.assert_allclose(found[0], found[1], atol=0.02)


@pytest.mark.parametrize(("lost", "left"), [(np.nan, 1), (0.0, 3)])
def test_beats_whose_signal_is_missing_or_zero_give_no_row(lost, left):
    signal = np.sin(np.arange(6000) / 50)
    signal[1900:4000] = lost
    found = rows(PtbRecord("made", signal, 1000.0, "ii", ""), np.arange(0, 6000, 1000))
    assert found.shape == (left, LENGTH)
    assert found.any(axis=1).all()


def test_a_download_that_breaks_off_goes_on_the_next_time(tmp_path, monkeypatch):
    folder, calls = tmp_path / "data" / "ptbdb", []

    def fetch(name, place):
        calls.append(place)
        write_record(Path(place), f"patient00{len(calls)}", "s0001", "Healthy control")
        if len(calls) == 1:
            raise ConnectionError("gone")

    monkeypatch.setattr("wfdb.dl_database", fetch)
    with pytest.raises(MonitorError, match="cannot download ptbdb: gone"):
        download(folder)
    assert not folder.exists()
    download(folder)
    assert [patient for patient, _ in record_paths(folder)] == ["patient001", "patient002"]
    download(folder)
    assert len(calls) == 2


def test_the_data_folder_is_that_of_the_environment(database, tmp_path, monkeypatch, capsys):
    (tmp_path / "ptbdb").symlink_to(database)
    monkeypatch.setenv("ECG_MONITOR_DATA", str(tmp_path))
    assert main([]) == 0
    assert "9 records of 8 patients" in capsys.readouterr().out


def test_other_rates_are_refused():
    with pytest.raises(MonitorError, match="360 Hz"):
        rows(PtbRecord("made", np.zeros(99), 360.0, "ii", ""), np.array([1, 2, 3]))


def test_too_few_peaks_give_no_rows():
    assert rows(PtbRecord("made", np.zeros(999), 1000.0, "ii", ""), np.array([5])).shape[0] == 0


def test_beats_carry_diagnosis_patient_and_record(data):
    assert set(zip(data.patient.tolist(), data.label.tolist(), strict=True)) == {
        *((f"patient00{k}", 0) for k in range(3)),
        *((f"patient10{k}", 1) for k in range(3)),
    }
    assert data.left_out == {"Cardiomyopathy": 1, "not said": 1}
    per_record = np.unique(data.record, return_counts=True)[1]
    assert len(per_record) == 7
    assert per_record.min() >= 15  # 25 beats in 20 s; a detector needs the first to learn
    ends = [int(np.flatnonzero(row)[-1]) + 1 for row in data.signal]
    assert np.median(ends) == pytest.approx(1.2 * BEAT_S * 120, abs=2)


def test_a_split_by_patient_shares_no_patient(data):
    train, test = split(data, 1)
    assert not set(data.patient[train]) & set(data.patient[test])
    assert set(data.label[test].tolist()) == set(data.label[train].tolist()) == {0, 1}
    assert len(train) + len(test) == len(data.label)
    tests = {tuple(sorted(set(data.patient[split(data, s)[1]]))) for s in range(8)}
    assert len(tests) > 1


def test_a_split_by_beat_is_a_fifth_of_each_class(data):
    train, test = split(data, 1, by_patient=False)
    assert len(np.intersect1d(train, test)) == 0
    for k in range(len(CLASSES)):
        share = (data.label[test] == k).sum() / (data.label == k).sum()
        assert share == pytest.approx(0.2, abs=0.01)
