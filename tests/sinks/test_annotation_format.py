"""The bytes of annotation files, against those of the wfdb package."""

import numpy as np
import pytest
import wfdb
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.messages import (
    AamiClass,
    Beat,
    Gap,
    GapKind,
    LeadState,
    Quality,
    Rhythm,
    StreamInfo,
)
from monitor.sinks.annotation_format import CODES, END, beginning, encode, whole_part
from monitor.sinks.wfdb_annotations import WfdbAnnotations

STEPS = st.one_of(st.integers(0, 3000), st.sampled_from([1023, 1024, 65_536, 2**31, 2**33]))
ROWS = st.lists(
    st.tuples(
        STEPS,
        st.sampled_from(sorted(CODES)),
        st.sampled_from([0, 1, 0x31, 127]),
        st.sampled_from([0, 1, 7]),
        st.sampled_from(["", "(N", "(AFIB", "x" * 255]),
    ),
    min_size=1,
    max_size=30,
)


def in_time(rows):
    samples = np.cumsum([row[0] for row in rows]).tolist()
    return [(sample, *row[1:]) for sample, row in zip(samples, rows, strict=True)]


@pytest.mark.slow
@example(rows=[(0, "N", 0, 0, "")], rate_hz=100.00000000000001)
@given(rows=ROWS, rate_hz=st.one_of(st.integers(100, 1000), st.floats(100, 1000)))
def test_the_bytes_are_those_that_wfdb_writes(tmp_path_factory, rows, rate_hz):
    folder, rows = tmp_path_factory.mktemp("one"), in_time(rows)
    sample, symbol, subtype, chan, aux = zip(*rows, strict=True)
    wfdb.wrann(
        "x", "mon", np.array(sample), list(symbol), np.array(subtype), np.array(chan),
        aux_note=list(aux), fs=rate_hz, write_dir=str(folder),
    )  # fmt: skip
    expected = (folder / "x.mon").read_bytes()
    whole = beginning(rate_hz) + encode(rows) + END
    assert whole == expected
    cut = len(rows) // 2
    if cut:
        assert encode(rows[:cut]) + encode(rows[cut:], rows[cut - 1]) == encode(rows)


@pytest.mark.slow
@given(rows=ROWS, cut=st.integers(0, 400))
def test_of_a_torn_file_whole_annotations_remain(rows, cut):
    rows = in_time(rows)
    torn = (beginning(360) + encode(rows) + END)[: -cut or None]
    whole = whole_part(torn)
    prefixes = [beginning(360) + encode(rows[:n]) + END for n in range(1, len(rows) + 1)]
    longest = max((p for p in prefixes if len(p) <= len(torn)), key=len, default=b"")
    assert whole == longest
    assert whole_part(whole) == whole


@pytest.mark.parametrize("zeros", [1, 2, 3, 100])
def test_zeros_that_a_crash_left_are_cut_off(zeros):
    whole = beginning(360) + encode([(5, "N", 0, 0, ""), (900, "V", 0, 1, "")]) + END
    assert whole_part(whole + bytes(zeros)) == whole


OK, OFF = LeadState.OK, LeadState.LEAD_OFF
SURE = (1.0, 0.0, 0.0, 0.0, 0.0)


def event(kind, sample, choice):
    if kind == "beat":
        return Beat("s", sample, sample, AamiClass("NSV"[choice]), SURE, None, choice % 2, "m")
    if kind == "rhythm":
        return Rhythm("s", sample, sample, ("N", "AFIB", "VF")[choice])
    if kind == "hole":
        return Gap("s", sample, 200 + 400 * choice, GapKind.HOLE)
    leads = ((OK, OK), (OFF, OK), (OFF, OFF))[choice]
    return Quality("s", sample, sample, leads, choice < 2)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["beat", "beat", "rhythm", "hole", "quality"]),
            st.integers(0, 2000),  # how much time goes by
            st.sampled_from([0, 0, 0, 50, 5000, 30_000]),  # how late it is decided
            st.integers(0, 2),
        ),
        max_size=60,
    )
)
def test_a_file_that_grows_is_at_every_instant_what_it_would_be_at_once(events):
    info = StreamInfo("s", 100.0, ("II", "V1"))
    growing, end_sample, so_far = WfdbAnnotations(info), 0, []
    for kind, step, late, choice in events:
        end_sample += step
        so_far.append(event(kind, max(end_sample - late, 0), choice))
        growing.add(so_far[-1])
        at_once = WfdbAnnotations(info)
        for one in so_far:
            at_once.add(one)
        assert growing.encoded(end_sample) == at_once.encoded(end_sample)
