"""Whatever a header says: the record plays, or one clear line says what is wrong with it.

``pytest --hypothesis-profile=explore`` looks for new examples.
"""

import itertools
import re
import tracemalloc

import edfio
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitor.errors import MonitorError
from monitor.sources.edf_file import EdfFile
from monitor.sources.wfdb_record import WfdbRecord

FRAMES = 3600
MOST_BYTES = 32 * 1024 * 1024  # of memory that any of these small files may need
COUNTS = np.random.default_rng(3).integers(-900, 900, (FRAMES, 2)).astype("<i2")
HEADER = b"""# made for a test
r 2 360/360(0) 3600 12:30:00 1/1/2001
r.dat 16x1:0+0 200(0)/mV 16 0 0 0 0 II
r.dat 16x1:0+0 200(0)/mV 16 0 0 0 0 V1
"""
SEGMENTS = b"m/3 2 360 9000\nr 3600\n~ 1800\nr 3600\n"
ODD = [
    "", "0", "-1", "1", "2", "3", "8", "16", "61", "212", "310", "516", "77", "0.5", "1e9",
    "1e-9", "1e400", "99999999", "9" * 20, "9" * 400, "nan", "inf", "-inf", "NaN", "1,5",
    "0x10", "1_0", "\xb5V", "uV", "?V", "mmHg", "~", "-", "../r.dat", "/", "/dev/null", ".",
    "r", "\x00", "\r", "\t", "#", "x", "(", ")", "+", ":", "16x999999", "16:9999", "16+3600",
    "16x0", "8x2:1+3", "200/", "200()/mV", "1e-320", "0(0)/mV", "200/volts", "II", "\U0001f600",
    "\u0664", " ", "360/", "r/2", "r/0",
]  # fmt: skip
odd = st.one_of(
    st.sampled_from(ODD).map(str.encode),
    st.binary(max_size=12),
    st.integers(-(2**40), 2**40).map(lambda n: str(n).encode()),
    st.floats().map(lambda x: repr(x).encode()),
)


def outcome(opened):
    """Play what was opened, not for ever; None if it was refused in one line."""
    error = ""
    tracemalloc.start()
    try:
        source = opened()
        chunks = list(itertools.islice(source.chunks(), 200))
    except MonitorError as refusal:
        error = str(refusal)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MOST_BYTES
    if error:
        assert len(error.splitlines()) == 1
        return None
    at = source.info.start_sample
    for chunk in chunks:
        assert chunk.start_sample >= at
        assert chunk.values_mv.shape[1] == len(source.info.leads)
        assert chunk.values_mv.dtype == np.float32
        at = chunk.end_sample
    assert at <= source.info.start_sample + source.samples
    return source, chunks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("fuzz")
    COUNTS.tofile(made / "r.dat")
    return made


def mended(header, changes):
    """Replace some of the fields of a header (between blanks), by their number."""
    parts = re.split(rb"(\s+)", header)
    for number, value in changes:
        parts[2 * (number % (len(parts) // 2 + 1))] = value
    return b"".join(parts)


several = st.lists(st.tuples(st.integers(0, 40), odd), min_size=1, max_size=3)
quick = settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)


@quick
@given(changes=several)
def test_fields_of_a_wfdb_header(folder, changes):
    (folder / "r.hea").write_bytes(mended(HEADER, changes))
    outcome(lambda: WfdbRecord(folder / "r"))


@quick
@given(at=st.integers(0, len(HEADER)), length=st.integers(0, 20), raw=st.binary(max_size=20))
def test_bytes_of_a_wfdb_header(folder, at, length, raw):
    (folder / "r.hea").write_bytes(HEADER[:at] + raw + HEADER[at + length :])
    outcome(lambda: WfdbRecord(folder / "r", unit="mV"))


@quick
@given(changes=several, inside=several)
def test_fields_of_a_header_of_segments(folder, changes, inside):
    (folder / "m.hea").write_bytes(mended(SEGMENTS, changes))
    (folder / "r.hea").write_bytes(mended(HEADER, inside[:1]) if len(inside) > 1 else HEADER)
    outcome(lambda: WfdbRecord(folder / "m"))


def test_the_headers_play_unless_they_are_changed(folder):
    (folder / "r.hea").write_bytes(HEADER)
    (folder / "m.hea").write_bytes(SEGMENTS)
    for name, rounds in (("r", 1), ("m", 2)):
        played = outcome(lambda name=name: WfdbRecord(folder / name))
        values = np.concatenate([chunk.values_mv for chunk in played[1]])
        np.testing.assert_allclose(values, np.tile(COUNTS, (rounds, 1)) / 200, rtol=1e-6)


@pytest.fixture(scope="module")
def edf_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("edf") / "x.edf"
    times = np.arange(3600) / 360
    signals = [
        edfio.EdfSignal(np.sin(times + k), 360, label=label, physical_dimension="mV")
        for k, label in enumerate(("ECG II", "ECG V1"))
    ]
    edfio.Edf(signals, annotations=[], data_record_duration=1).write(path)
    return path.read_bytes()


def fields_of_edf(signals):
    """Give (begin, width) of each field of the header."""
    at = 0
    for width in (8, 80, 80, 8, 8, 8, 44, 8, 8, 4):
        yield at, width
        at += width
    for width in (16, 80, 8, 8, 8, 8, 8, 80, 8, 32):
        for _ in range(signals):
            yield at, width
            at += width


FIELDS = list(fields_of_edf(3))


@quick
@given(changes=st.lists(st.tuples(st.sampled_from(FIELDS), odd), min_size=1, max_size=3))
@example(changes=[((236, 8), b"-1")])
@example(changes=[(FIELDS[34], b"0")])  # no samples of the first signal
def test_fields_of_an_edf_header(folder, edf_bytes, changes):
    raw = bytearray(edf_bytes)
    for (at, width), value in changes:
        raw[at : at + width] = value[:width].ljust(width)
    (folder / "x.edf").write_bytes(raw)
    outcome(lambda: EdfFile(folder / "x.edf"))


@pytest.mark.parametrize("kind", [b"EDF+C", b"EDF+D"])
@quick
@given(
    at=st.integers(0, 2000),
    length=st.integers(0, 30),
    raw=st.binary(max_size=30),
    end=st.integers(0),
)
def test_bytes_of_an_edf_file(folder, edf_bytes, kind, at, length, raw, end):
    whole = edf_bytes.replace(b"EDF+C", kind, 1)
    whole = whole[:at] + raw + whole[at + length :]
    (folder / "x.edf").write_bytes(whole[: len(whole) - end % 20_000])
    outcome(lambda: EdfFile(folder / "x.edf", unit="mV"))


def test_the_edf_file_plays_unless_it_is_changed(folder, edf_bytes):
    (folder / "x.edf").write_bytes(edf_bytes)
    values = np.concatenate([c.values_mv for c in outcome(lambda: EdfFile(folder / "x.edf"))[1]])
    assert values[:, 0] == pytest.approx(np.sin(np.arange(3600) / 360), abs=1e-4)
