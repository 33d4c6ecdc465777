"""EDF, EDF+ and BDF: files written by edfio from a record, read back and compared with it."""

import re

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
        ("ECG II", "", 200, "the unit of II is not said: add --unit mV"),
        ("ECG II", "adu", 200, "the unit 'adu' of II is not known: add --unit mV"),
        ("ECG II", "mmHg", 200, "no ECG lead"),
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
        (whole[:300], "cannot be read as EDF: its header is cut off"),
        (whole[:600], "is empty: it holds no whole data record"),
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


def field(path, at, width, text, name="x.edf"):
    """Copy a file with one field of its header changed."""
    data = path.read_bytes()
    copy = path.with_name(name)
    value = text if isinstance(text, bytes) else text.encode("ascii")
    copy.write_bytes(data[:at] + value.ljust(width) + data[at + width :])
    return copy


# where the fields of a file of one signal begin
RECORDS, DURATION, SIGNALS, LENGTH = (236, 8), (244, 8), (252, 4), (184, 8)
LABEL, UNIT, LEAST, MOST, LOW, HIGH, SAMPLES = (
    (256, 16), (352, 8), (360, 8), (368, 8), (376, 8), (384, 8), (472, 8)
)  # fmt: skip


@pytest.mark.parametrize(
    ("place", "text", "complaint"),
    [
        (DURATION, "0", "0 s for the duration of a data record"),
        (DURATION, "-1", "-1 s for the duration"),
        (DURATION, "", "the duration of a data record is blank"),
        (DURATION, "nan", "the duration of a data record is 'nan'"),
        (DURATION, "1e-300", "1e-300 s for the duration"),
        (DURATION, "1e300", "Hz is outside 100 to 1000"),
        (RECORDS, "-2", "announces -2 data records"),
        (RECORDS, "many", "number of data records is 'many'"),
        (SIGNALS, "-1", "its header has -1 signals"),
        (SIGNALS, "2", "its header has 2 signals, but says it is 512 bytes long"),
        (SIGNALS, "", "number of signals is blank"),
        (LENGTH, "768", "has 1 signals, but says it is 768 bytes long"),
        (LENGTH, "512.0", "the header length is '512.0'"),
        (LEAST, "", "the physical minimum of ECG II is blank"),
        (LEAST, "-5,12", "the physical minimum of ECG II is '-5,12'.*decimals need a point"),
        (MOST, "NaN", "the physical maximum of ECG II is 'NaN'"),
        (MOST, "inf", "the physical maximum of ECG II is 'inf'"),
        (MOST, "1e999", "the physical maximum of ECG II is '1e999'"),
        (LOW, "", "the digital minimum of ECG II is blank"),
        (LOW, "2047", "no scale .digital 2047 to 2047"),
        (HIGH, "-3000", "no scale"),
        (SAMPLES, "-360", "gives ECG II -360 samples"),
        (SAMPLES, "0", "is empty"),
        (SAMPLES, "3.6e2", "number of samples of ECG II in a data record is '3.6e2'"),
        (SAMPLES, "99999999", "is empty"),
        (UNIT, b"\xff\xfe\xff", "is not known: add --unit"),
        ((0, 8), "1", "does not begin as EDF or BDF does"),
    ],
)
def test_a_number_that_cannot_be_used_is_named(tmp_path, record, place, text, complaint):
    path = written(tmp_path, signal(record, 0, "ECG II"))
    with pytest.raises(MonitorError, match=complaint) as error:
        read(field(path, *place, text))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("unit", "millivolts"),
    [(b"\xb5V", 1e-3), ("µV".encode(), 1e-3), ("μV".encode(), 1e-3), (b"uV\0\0\0", 1e-3),
     (b"\0mV", 1.0), (b"MilliVlt", None), (b"V", 1e3), (b"NV", 1e-6), (b"volts", 1e3)],
)  # fmt: skip
def test_units_are_known_however_they_are_spelled(tmp_path, record, unit, millivolts):
    path = field(written(tmp_path, signal(record, 0, "ECG II")), *UNIT, unit)
    if millivolts is None:
        with pytest.raises(MonitorError, match="is not known"):
            EdfFile(path)
        return
    _, _, values = read(path)
    np.testing.assert_allclose(
        values[:, 0], millivolts * millivolts_of(record), atol=1e-5 * millivolts
    )


def millivolts_of(record):
    return millivolts(record)[:, 0]


def test_the_user_tells_a_unit_that_the_file_does_not(tmp_path, record):
    blank = field(written(tmp_path, signal(record, 0, "ECG II")), *UNIT, "")
    _, _, values = read(blank, unit="uV")
    np.testing.assert_allclose(values[:, 0], millivolts_of(record) / 1000, atol=1e-8)
    path = written(tmp_path, signal(record, 0, "ECG II"), other("EEG Fpz", "uV", 200))
    assert EdfFile(path, unit="mV").info.leads == ("II",)
    with pytest.raises(MonitorError, match="II is in mV, but --unit says uV; leave out --unit"):
        EdfFile(path, unit="uV")


@pytest.mark.parametrize(
    ("announced", "cut", "records", "text"),
    [
        ("-1", 0, 40, "night.edf was not closed, so its header does not tell its length"),
        ("-1", 1000, 38, "night.edf was not closed, .* it holds 38 whole data records, 38 s"),
        ("0", 0, 40, "night.edf was not closed"),
        ("99999", 0, 40, "night.edf is truncated: it holds 40 whole data records, 40 s, of 99999"),
        ("40", 100, 39, "night.edf is truncated: it holds 39 whole data records, 39 s, of 40"),
        ("30", 0, 40, "night.edf announces 30 data records, but it holds 40"),
        ("40", -100, 40, "night.edf ends within a data record, which is left out"),
    ],
)  # fmt: skip
def test_a_file_that_is_cut_off_or_was_not_closed_is_played(
    tmp_path, record, announced, cut, records, text
):
    path = field(written(tmp_path, signal(record, 0, "ECG II")), *RECORDS, announced, "night.edf")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - cut] if cut >= 0 else data + bytes(-cut))
    said = []
    source, index, values = read(path, say=said.append)
    assert source.samples == len(index) == records * RATE_HZ
    np.testing.assert_allclose(values[:, 0], millivolts_of(record)[: len(index)], atol=1e-5)
    assert len(said) == 1
    assert re.match(text, said[0])


def test_a_file_of_annotations_holds_no_signal(tmp_path):
    path = tmp_path / "notes.edf"
    edfio.Edf([], annotations=[edfio.EdfAnnotation(1, None, "lights out")]).write(path)
    with pytest.raises(MonitorError, match=r"notes.edf holds annotations, but no signal"):
        EdfFile(path)


@pytest.mark.parametrize("name", ["night.rec", "NIGHT.EDF", "night.bdf"])
def test_what_a_file_is_shows_in_its_first_bytes(tmp_path, record, name):
    path = written(tmp_path, signal(record, 0, "ECG II"))
    path = path.rename(tmp_path / name)
    assert read(path)[2] == pytest.approx(millivolts(record)[:, :1], abs=1e-5)


def test_a_lead_with_no_samples_in_its_data_records_is_not_played(tmp_path, record):
    path = written(tmp_path, signal(record, 0, "ECG II"), other("ECG V5", "mV", 200))
    path = field(path, 256 + 2 * 216, 8, "0")
    with pytest.raises(MonitorError, match="II has no samples; choose other --leads"):
        EdfFile(path)
    assert EdfFile(path, leads=("V5",)).info.leads == ("V5",)
