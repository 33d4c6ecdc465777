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
        (
            "r 1 360 999999\nr.dat 16 1000 16 0 0 0 0 MLII\n",
            "truncated: r.dat holds 3600 of the 999999",
        ),
        ("r 1 360\nr.dat 16 1000 16 0 0 0 0 MLII\n", "does not say how long it is; write 3600"),
        ("r 1 360 0\nr.dat 16 1000 16 0 0 0 0 MLII\n", "does not say how long it is; write 3600"),
        ("r 3 360 3600\nr.dat 16 1000 16 0 0 0 0 MLII\n", "cannot be read"),
        ("r 1 360 3600\nother.dat 16 1000 16 0 0 0 0 MLII\n", "other.dat is missing"),
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


def test_truncated_file(tmp_path, data_dir):
    for file in ("100.hea", "100.dat"):
        (tmp_path / file).write_bytes((data_dir / "mitdb" / file).read_bytes())
    with (tmp_path / "100.dat").open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(MonitorError, match=r"100 is truncated: 100\.dat holds 33333 of the 650000"):
        WfdbRecord(tmp_path / "100")


def test_the_pulse_of_a_simulated_record_comes_back(tmp_path):
    simulator = Simulator("sinus", duration_s=10.0, pulse=True)
    write_wfdb(simulator, tmp_path, "finger")
    values, _ = simulate(simulator)
    source = WfdbRecord(tmp_path / "finger", pulse="auto")
    assert (source.info.leads, source.info.pulse) == (("II", "V1", "PLETH"), "PLETH")
    read = np.concatenate([chunk.values_mv for chunk in source.chunks()])
    assert np.abs(read - values).max() < 1e-3
    assert WfdbRecord(tmp_path / "finger").info.leads == ("II", "V1")
