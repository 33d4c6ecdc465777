"""EDF, EDF+ and BDF: files written by edfio from a record, read back and compared with it."""

import edfio
import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.sources.edf_file import EdfFile

RATE_HZ = 360
SECONDS = 40


@pytest.fixture(scope="module")
def record(data_dir):
    return wfdb.rdrecord(str(data_dir / "mitdb" / "208"), sampto=SECONDS * RATE_HZ, physical=False)


def signal(record, column, label, unit="mV", to_unit=1.0):
    """One lead with the digital values of the record: nothing is lost in the file."""
    top = 2047
    gain, zero = record.adc_gain[column], record.baseline[column]
    physical = [(digital - zero) / gain * to_unit for digital in (-top, top)]
    return edfio.EdfSignal.from_digital(
        record.d_signal[:, column].astype(np.int16),
        RATE_HZ,
        label=label,
        physical_dimension=unit,
        physical_range=tuple(physical),
        digital_range=(-top, top),
    )


def other(label, unit, rate_hz, cls=edfio.EdfSignal):
    return cls(np.sin(np.arange(SECONDS * rate_hz)), rate_hz, label=label, physical_dimension=unit)


def millivolts(record):
    return (record.d_signal - np.array(record.baseline)) / np.array(record.adc_gain)


def read(path, **wish):
    source = EdfFile(path, **wish)
    chunks = list(source.chunks())
    index = np.concatenate([c.start_sample + np.arange(len(c.values_mv)) for c in chunks])
    return source, index, np.concatenate([c.values_mv for c in chunks])


def written(tmp_path, *signals, annotations=None, name="night.edf"):
    path = tmp_path / name
    cls = edfio.Bdf if name.endswith(".bdf") else edfio.Edf
    cls(list(signals), annotations=annotations, data_record_duration=1).write(path)
    return path


@pytest.mark.parametrize("annotations", [None, [edfio.EdfAnnotation(3, None, "lights out")]])
@pytest.mark.parametrize("chunk_s", [0.04, 7.3, 1000])
def test_the_file_is_the_record(tmp_path, record, annotations, chunk_s):
    path = written(
        tmp_path,
        other("Resp chest", "ohm", 25),
        signal(record, 0, "ECG MLII"),
        signal(record, 1, "ECG V1", "uV", 1000),
        annotations=annotations,
    )
    source, index, values = read(path, chunk_s=chunk_s)
    info = source.info
    assert (info.stream, info.rate_hz, info.leads) == ("night", 360.0, ("MLII", "V1"))
    assert source.samples == len(index)
    assert (index == np.arange(SECONDS * RATE_HZ)).all()
    assert np.abs(values - millivolts(record)).max() < 1e-5


def test_a_part_of_a_file(tmp_path, record):
    path = written(tmp_path, signal(record, 0, "ECG II"))
    source, index, values = read(path, start_s=3.5, stop_s=17.25)
    assert source.info.start_sample == index[0] == 1260
    assert index[-1] == 6209
    assert np.abs(values[:, 0] - millivolts(record)[1260:6210, 0]).max() < 1e-5


def test_leads_are_chosen_by_name_with_or_without_ecg(tmp_path, record):
    path = written(tmp_path, signal(record, 0, "ECG II"), signal(record, 1, "V1"))
    for leads in (("V1", "II"), ("v1", "ECG II")):
        source, _, values = read(path, leads=leads)
        assert source.info.leads == ("V1", "II")
        assert np.abs(values - millivolts(record)[:, ::-1]).max() < 1e-5


def test_a_24_bit_file(tmp_path):
    ecg = other("ECG II", "uV", 256, edfio.BdfSignal)
    source, index, values = read(written(tmp_path, ecg, name="x.bdf"))
    assert source.info.rate_hz == 256
    assert len(index) == SECONDS * 256
    assert values[:, 0] == pytest.approx(np.sin(index) / 1000, abs=1e-8)


def shifted(path, first, by_s):
    """Make the file discontinuous: records from ``first`` on begin later."""
    data = path.read_bytes().replace(b"EDF+C", b"EDF+D", 1)
    for record in range(first, SECONDS):
        before, after = b"+%d\x14\x14" % record, b"+%d\x14\x14" % (record + by_s)
        assert len(before) == len(after)
        assert data.count(before) == 1
        data = data.replace(before, after)
    path.write_bytes(data)


def test_a_discontinuous_file_has_its_gap_where_it_was(tmp_path, record):
    path = written(tmp_path, signal(record, 0, "ECG II"), annotations=[])
    shifted(path, 12, 50)
    source, index, values = read(path)
    kept = np.arange(SECONDS * RATE_HZ)
    assert (index == np.where(kept < 12 * RATE_HZ, kept, kept + 50 * RATE_HZ)).all()
    assert np.abs(values[:, 0] - millivolts(record)[:, 0]).max() < 1e-5
    assert source.samples == (SECONDS + 50) * RATE_HZ
    _, index, _ = read(path, start_s=11.5, stop_s=63)
    assert index[[0, -1]].tolist() == [int(11.5 * RATE_HZ), 63 * RATE_HZ - 1]
    assert len(index) == 1.5 * RATE_HZ


def test_records_that_overlap_are_refused(tmp_path, record):
    path = written(tmp_path, signal(record, 0, "ECG II"), annotations=[])
    shifted(path, 20, -10)
    with pytest.raises(MonitorError, match="data record 21 begins before the one before"):
        EdfFile(path)


def test_leads_of_another_rate(tmp_path, record):
    path = written(tmp_path, signal(record, 0, "ECG II"), other("ECG V5", "mV", 180))
    assert EdfFile(path).info.leads == ("II",)
    with pytest.raises(MonitorError, match="different sampling rates"):
        EdfFile(path, leads=("II", "V5"))


@pytest.mark.parametrize(
    ("label", "unit", "rate_hz", "complaint"),
    [
        ("EEG Fpz-Cz", "uV", 200, "no ECG lead: its signals are EEG Fpz-Cz"),
        ("ECG II", "", 200, "no ECG lead"),
        ("ECG II", "mV", 50, "50 Hz is outside 100 to 1000"),
    ],
)
def test_signals_that_cannot_be_used(tmp_path, label, unit, rate_hz, complaint):
    with pytest.raises(MonitorError, match=complaint):
        EdfFile(written(tmp_path, other(label, unit, rate_hz)))


def test_files_that_cannot_be_read(tmp_path, record):
    path = written(tmp_path, signal(record, 0, "ECG II"))
    whole = path.read_bytes()
    for broken, complaint in (
        (whole[:-1000], "truncated or unfinished"),
        (whole[:300], "cannot be read as EDF|truncated"),
        (whole[:236] + b"99999   " + whole[244:], "truncated or unfinished"),
        (b"", "cannot be read as EDF"),
        (b"MZ" + bytes(5000), "cannot be read as EDF"),
        (whole[:244] + b"oneweek " + whole[252:], "cannot be read as EDF"),
        (whole.replace(b"ECG II", b"ECG \xb5\xb5"), None),
    ):
        path.write_bytes(broken)
        if complaint is None:
            assert EdfFile(path).info.leads
            continue
        with pytest.raises(MonitorError, match=complaint) as error:
            EdfFile(path)
        assert "\n" not in str(error.value)
    with pytest.raises(MonitorError, match="there is no file"):
        EdfFile(tmp_path / "none.edf")
    path.write_bytes(whole)
    with pytest.raises(MonitorError, match="lasts 40 s: nothing lies from 50 s"):
        EdfFile(path, start_s=50)


def test_the_pulse_has_the_rate_of_the_ecg(tmp_path, record):
    path = written(
        tmp_path,
        other("PLETH", "NU", RATE_HZ),
        signal(record, 0, "ECG MLII"),
        other("ABP", "mmHg", 25),
    )
    source, _, values = read(path, pulse="pleth")
    assert (source.info.leads, source.info.pulse) == (("MLII", "PLETH"), "PLETH")
    assert values[:, 1] == pytest.approx(np.sin(np.arange(SECONDS * RATE_HZ)), abs=1e-3)
    assert read(path, pulse="auto")[0].info.pulse == "PLETH"
    with pytest.raises(MonitorError, match="ABP has another sampling rate"):
        read(path, pulse="ABP")
