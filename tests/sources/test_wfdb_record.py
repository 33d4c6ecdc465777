"""WFDB records: every piece of every kind of record, and every way it can be broken."""

import numpy as np
import pytest
import wfdb

from monitor.errors import MonitorError
from monitor.sources.simulator import Simulator, simulate, write_wfdb
from monitor.sources.wfdb_record import WfdbRecord


def write(folder, name="r", n=3600, fs=360.0, leads=("MLII",), units=None, fmt="16", seed=1):
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, 0.3, (n, len(leads)))
    wfdb.wrsamp(
        name,
        fs=fs,
        units=list(units or ["mV"] * len(leads)),
        sig_name=list(leads),
        p_signal=signal,
        fmt=[fmt] * len(leads),
        adc_gain=[1000.0] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(folder),
    )
    return folder / name, np.round(signal * 1000) / 1000


def read_all(source):
    pieces = list(source.chunks())
    at = source.info.start_sample
    for piece in pieces:
        assert piece.start_sample == at
        assert piece.values_mv.dtype == np.float32
        at = piece.end_sample
    return np.concatenate([p.values_mv for p in pieces])


@pytest.mark.parametrize("chunk_s", [0.01, 0.7, 1000.0])
def test_samples_are_those_of_the_file(tmp_path, chunk_s):
    path, signal = write(tmp_path, n=36_123, leads=("V5", "MLII"))
    source = WfdbRecord(path, chunk_s=chunk_s)
    assert source.info.leads == ("MLII", "V5")
    assert source.info.rate_hz == 360.0
    np.testing.assert_allclose(read_all(source), signal[:, ::-1], atol=1e-6)


def test_a_part_keeps_the_records_own_sample_numbers(tmp_path):
    path, signal = write(tmp_path, n=7200)
    source = WfdbRecord(path, start_s=5.0, stop_s=12.5)
    assert source.info.start_sample == 1800
    np.testing.assert_allclose(read_all(source)[:, 0], signal[1800:4500, 0], atol=1e-6)


def test_microvolts_become_millivolts(tmp_path):
    path, signal = write(tmp_path, units=["uV"])
    np.testing.assert_allclose(read_all(WfdbRecord(path)), signal / 1000, atol=1e-6)


def test_invalid_samples_are_nan(tmp_path):
    path, _ = write(tmp_path, n=400)
    raw = np.fromfile(f"{path}.dat", "<i2")
    raw[100:150] = -32768
    raw.tofile(f"{path}.dat")
    values = read_all(WfdbRecord(path))[:, 0]
    assert np.flatnonzero(np.isnan(values)).tolist() == list(range(100, 150))


def test_looping_goes_on_counting_with_invalid_samples_between_rounds(tmp_path):
    path, _ = write(tmp_path, n=720)
    source = WfdbRecord(path, loop=True, chunk_s=10.0, start_s=0.5)
    chunks = source.chunks()
    first, gap, second = (next(chunks) for _ in range(3))
    assert [c.start_sample for c in (first, gap, second)] == [180, 720, 1080]
    assert gap.end_sample == second.start_sample
    assert np.isnan(gap.values_mv).all()
    np.testing.assert_array_equal(first.values_mv, second.values_mv)


@pytest.mark.parametrize(
    ("name", "rate_hz", "leads", "samples"),
    [
        ("03700181", 500.0, ("MCL1",), 300_000),  # four samples a frame
        ("041s", 500.0, ("I", "V"), 8_000),  # two segments
        ("s0010_re", 1000.0, ("ii", "v1"), 38_400),
        ("v102s", 250.0, ("II", "V"), 75_000),
    ],
)
def test_odd_records(data_dir, name, rate_hz, leads, samples):
    source = WfdbRecord(data_dir / "wfdb-samples" / name)
    assert (source.info.rate_hz, source.info.leads) == (rate_hz, leads)
    values = read_all(source)
    assert values.shape == (samples, len(leads))
    assert np.isfinite(values).mean() > 0.9
    assert 0.05 < np.nanstd(values[:, 0]) < 2.0  # millivolts


def test_memory_does_not_grow_with_the_record(tmp_path):
    import tracemalloc

    path, _ = write(tmp_path, n=2_000_000)
    source = WfdbRecord(path, chunk_s=1.0)
    tracemalloc.start()
    try:
        for _ in source.chunks():
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000 * 4 / 4  # a quarter of the record as float32


def header(path, text):
    (path.parent / f"{path.name}.hea").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r 1 0 3600\nr.dat 16 1000 16 0 0 0 0 MLII\n", "0 Hz"),
        ("r 1 50 3600\nr.dat 16 1000 16 0 0 0 0 MLII\n", "50 Hz is outside 100 to 1000"),
        ("r 1 360 -5\nr.dat 16 1000 16 0 0 0 0 MLII\n", "'-5' for its number of samples"),
        ("r 1 nan 3600\nr.dat 16 1000 16 0 0 0 0 MLII\n", "no sampling rate above 0 Hz"),
        ("r 1 360 3600\nr.dat 16+9999 1000 16 0 0 0 0 MLII\n", "is empty"),
        ("r 1 360 3600\nr.dat 16 nan/mV 16 0 0 0 0 MLII\n", "'nan/mV' for a signal's gain"),
        ("r 1 360 3600\nr.dat 16 200,5/mV 16 0 0 0 0 MLII\n", "'200,5/mV' for a signal's gain"),
        ("r 1 360 3600\nr.dat 16 1e-320 16 0 0 0 0 MLII\n", "'1e-320' for a signal's gain"),
        ("r 1 360 3600\nr.dat 16 1e300 16 0 0 0 0 MLII\n", "'1e300' for a signal's gain"),
        ("r 1 360 3600\nr.dat 16 1000 1O24 0 0 0 0 MLII\n", "'1O24' for a whole number"),
        ("r/0 1 360 3600\n", "lists 0 of 0 segments"),
        ("r/2 1 360 3600\nr 3600\n", "lists 1 of 2 segments"),
        ("r/1 1 360 3600\nr 3600\n", "segment r: it has segments of its own"),
        ("r/1 1 360 3600\nnone 3600\n", "segment none: there is no record"),
        ("r 3 360 3600\nr.dat 16 1000 16 0 0 0 0 MLII\n", "cannot be read"),
        ("r 1 360 3600\nother.dat 16 1000 16 0 0 0 0 MLII\n", "other.dat is missing"),
        (
            f"r 1 360 3600\n{'9' * 400} 16 1000 16 0 0 0 0 MLII\n",
            "999+ cannot be read: File name too long",
        ),
        (f"r/1 1 360 3600\n{'9' * 400} 3600\n", "there is no record"),
        ("r 1 360 3600\nr.dat 77 1000 16 0 0 0 0 MLII\n", "cannot be read"),
        ("r 1 360 3600\nr.dat 16 1000/mmHg 16 0 0 0 0 ABP\n", "no ECG lead"),
        ("r 0 360 3600\n", "no ECG lead"),
        ("", "cannot be read"),
        ("\x00\x01garbage\n", "cannot be read"),
    ],
)
def test_headers_that_lie(tmp_path, text, message):
    path, _ = write(tmp_path)
    header(path, text)
    with pytest.raises(MonitorError, match=message):
        read_all(WfdbRecord(path))


@pytest.mark.parametrize("gain", ["0", "0(0)/mV", "0.0/mV", ""])
def test_a_gain_that_is_assumed_is_said(tmp_path, gain):
    path, signal = write(tmp_path)
    header(path, f"r 1 360 3600\nr.dat 16 {gain}\n")
    said = []
    values = read_all(WfdbRecord(path, say=said.append))
    np.testing.assert_allclose(values, signal * 1000 / 200, atol=1e-6)
    assert len(said) == 1
    assert "no gain for signal 0; 200 units" in said[0]
    header(path, "# comment\nr 1 360 3600\nr.dat 16 0.5/mV 16 0 0 0 0 MLII\n")
    WfdbRecord(path, say=said.append)
    assert len(said) == 1


def test_missing_record_and_empty_part(tmp_path):
    with pytest.raises(MonitorError, match="no record"):
        WfdbRecord(tmp_path / "nothing")
    path, _ = write(tmp_path)
    with pytest.raises(MonitorError, match="lasts 10 s: nothing lies from 60 s to its end"):
        WfdbRecord(path, start_s=60.0)


def test_of_a_truncated_file_what_is_there_is_played_and_said(tmp_path, data_dir):
    for file in ("100.hea", "100.dat"):
        (tmp_path / file).write_bytes((data_dir / "mitdb" / file).read_bytes())
    with (tmp_path / "100.dat").open("r+b") as file:
        file.truncate(100_000)
    said = []
    source = WfdbRecord(tmp_path / "100", say=said.append)
    assert source.samples == len(read_all(source)) == 33_333
    assert said == [
        (
            "record 100 is truncated: 100.dat holds 33333 of 650000 samples a signal; what is "
            "there is used"
        )
    ]
    (tmp_path / "100.dat").write_bytes(b"")
    with pytest.raises(MonitorError, match="record 100 is empty: it holds no samples"):
        WfdbRecord(tmp_path / "100")


def test_of_two_files_the_shorter_one_ends_as_a_lead_without_samples(tmp_path):
    path, signal = write(tmp_path)
    (tmp_path / "v.dat").write_bytes((tmp_path / "r.dat").read_bytes()[:2000])
    lines = [
        "r 2 360 3600",
        *(f"{f}.dat 16 1000 16 0 0 0 0 {n}" for f, n in (("r", "II"), ("v", "V1"))),
    ]
    header(path, "\n".join(lines))
    said = []
    values = read_all(WfdbRecord(path, say=said.append))
    np.testing.assert_allclose(values[:, 0], signal[:, 0], atol=1e-6)
    assert np.flatnonzero(np.isnan(values[:, 1])).tolist() == list(range(1000, 3600))
    assert said == [
        "record r is truncated: v.dat holds 1000 of 3600 samples a signal; what is there is used"
    ]


@pytest.mark.parametrize(
    ("first", "line", "scale"),
    [
        ("r 1 360 3600 12:30:00 7/8/199", "r.dat 16 1000 16 0 0 0 0 MLII", 1),
        ("r 1 360 3600 99:99 31/02/1999", "r.dat 16 1000 16 0 0 0 0 MLII", 1),
        ("r 1 360", "r.dat 16 1000 16 0 0 0 0 MLII", 1),
        ("r 1 360 0", "r.dat 16 1000 16 0 0 0 0 MLII", 1),
        ("r 1 360/1000(12.5) 3600", "r.dat 16 1000(0)/mV", 1),
        ("r 1 3.6e2 3600", "r.dat 16x1:0+0 1e3", 1),
        ("r 1 360 3600", "r.dat\t16\t1000(50)/mV 16 7 MLII", (1, 50)),
        ("r 1 360 3600", "r.dat 16 1000/mV 16 7 0 0 0 MLII", (1, 7)),
        ("r 1 360 3600", "r.dat 16 -1000/mV 16 0 0 0 0 ECG lead II (not V5)", -1),
        ("ward/r 1 360 3600", "r.dat 16 1000 16 0 0 0 0 MLII", 1),
        ("# a comment\n\nr 1 360 3600", "# another\nr.dat 16 1000\n# the end", 1),
        ("\ufeffr 1 360 3600", "r.dat 16 1000 16 0 0 0 0 MLII\r", 1),
    ],
)
def test_headers_that_are_odd_but_right(tmp_path, first, line, scale):
    path, signal = write(tmp_path)
    header(path, f"{first}\n{line}\n")
    factor, zero = scale if isinstance(scale, tuple) else (scale, 0)
    np.testing.assert_allclose(
        read_all(WfdbRecord(path)), (signal - zero / 1000) * factor, atol=1e-6
    )


def test_a_record_whose_name_in_a_folder_is_a_number(tmp_path):
    path, signal = write(tmp_path, name="100")
    header(path, "mitdb/100 1 360 3600\n100.dat 16 1000 16 0 0 0 0 MLII\n")
    np.testing.assert_allclose(read_all(WfdbRecord(path)), signal, atol=1e-6)


def test_files_in_another_case(tmp_path):
    path, signal = write(tmp_path)
    (tmp_path / "r.dat").rename(tmp_path / "R.DAT")
    (tmp_path / "r.hea").rename(tmp_path / "r.HEA")
    np.testing.assert_allclose(read_all(WfdbRecord(path)), signal, atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "millivolts"),
    [
        ("µV".encode(), 1e-3), ("μV".encode(), 1e-3), ("µV".encode("latin-1"), 1e-3),
        (b"uV", 1e-3), (b"UV", 1e-3), (b"uv\0\0", 1e-3), (b"microvolts", 1e-3),
        (b"Microvolt", 1e-3), (b"mV", 1.0), (b"MV", 1.0), (b"millivolts", 1.0), (b"V", 1e3),
        (b"Volts", 1e3), (b"nV", 1e-6), (b"nanovolt", 1e-6),
    ],
)  # fmt: skip
def test_units_are_known_however_they_are_spelled(tmp_path, unit, millivolts):
    path, signal = write(tmp_path)
    (tmp_path / "r.hea").write_bytes(b"r 1 360 3600\nr.dat 16 1000/" + unit + b" 16 0 0 0 0 II\n")
    np.testing.assert_allclose(read_all(WfdbRecord(path)), signal * millivolts, rtol=1e-5)


@pytest.mark.parametrize("unit", [b"?V", b"adu", "\ufffdV".encode(), b"\xe6V", b"mV/10", b"kV"])
def test_a_unit_that_is_not_known_is_asked_for(tmp_path, unit):
    path, signal = write(tmp_path)
    (tmp_path / "r.hea").write_bytes(b"r 1 360 3600\nr.dat 16 1000/" + unit + b" 16 0 0 0 0 II\n")
    with pytest.raises(MonitorError, match=r"r: the unit '.*' of II is not known: add --unit mV"):
        WfdbRecord(path)
    np.testing.assert_allclose(read_all(WfdbRecord(path, unit="uV")), signal / 1000, atol=1e-9)


def test_what_the_user_says_of_units(tmp_path):
    path, signal = write(tmp_path)
    header(path, "r 1 360 3600\nr.dat 16 1000 16 0 0 0 0 II\n")
    np.testing.assert_allclose(read_all(WfdbRecord(path)), signal, atol=1e-6)
    np.testing.assert_allclose(read_all(WfdbRecord(path, unit="uV")), signal / 1000, atol=1e-9)
    header(path, "r 1 360 3600\nr.dat 16 1000/mV 16 0 0 0 0 II\n")
    np.testing.assert_allclose(read_all(WfdbRecord(path, unit="mV")), signal, atol=1e-6)
    with pytest.raises(MonitorError, match="r: II is in mV, but --unit says uV; leave out --unit"):
        WfdbRecord(path, unit="uV")
    header(path, "r 1 360 3600\nr.dat 16 0 16 0 0 0 0 II\n")
    with pytest.raises(MonitorError, match="no gain for II, so a unit of uV does not tell its"):
        WfdbRecord(path, unit="uV")
    header(path, "r 1 360 3600\nr.dat 16 0/V 16 0 0 0 0 II\n")
    with pytest.raises(MonitorError, match="no gain for II, so a unit of V does not tell its"):
        WfdbRecord(path)
    header(path, "r 1 360 3600\nr.dat 16 1000/mmHg 16 0 0 0 0 II\n")
    with pytest.raises(MonitorError, match="no ECG lead"):
        WfdbRecord(path, unit="uV")


def test_the_pulse_of_a_simulated_record_comes_back(tmp_path):
    simulator = Simulator("sinus", duration_s=10.0, pulse=True)
    write_wfdb(simulator, tmp_path, "finger")
    values, _ = simulate(simulator)
    source = WfdbRecord(tmp_path / "finger", pulse="auto")
    assert (source.info.leads, source.info.pulse) == (("II", "V1", "PLETH"), "PLETH")
    read = np.concatenate([chunk.values_mv for chunk in source.chunks()])
    assert np.abs(read - values).max() < 1e-3
    assert WfdbRecord(tmp_path / "finger").info.leads == ("II", "V1")
