"""Annotation files, read back by wfdb as any WFDB tool would."""

import pytest
import wfdb

from monitor.errors import MonitorError
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
from monitor.sinks.wfdb_annotations import WfdbAnnotations, noise_subtype

INFO = StreamInfo("s", 360.0, ("II", "V1"))
OK, OFF, NOISY = LeadState.OK, LeadState.LEAD_OFF, LeadState.NOISY


def beat(sample, label):
    return Beat(
        "s", sample, sample + 300, AamiClass(label), (1.0, 0.0, 0.0, 0.0, 0.0), None, 0, "m"
    )


def quality(sample, leads, usable):
    return Quality("s", sample, sample + 90, leads, usable)


def test_every_kind_of_annotation_round_trips(tmp_path):
    sink = WfdbAnnotations(INFO)
    for event in (
        quality(0, (OK, OK), True),
        *(beat(1000 * (i + 1), label) for i, label in enumerate("NSVFQ")),
        Rhythm("s", 1500, 9000, "AFIB"),  # decided long after its onset
        quality(7200, (OFF, NOISY), False),
        quality(9000, (OK, OK), True),
        Rhythm("s", 10_000, 11_000, "VFL"),
        Rhythm("s", 12_000, 12_500, "N"),
        beat(700_000, "N"),  # a long interval needs a skip in the format
    ):
        sink.add(event)
    path = sink.write(tmp_path, "208", 800_000)
    assert path.name == "208.mon"
    read = wfdb.rdann(str(tmp_path / "208"), "mon")
    rows = list(zip(read.sample.tolist(), read.symbol, read.subtype.tolist(), read.aux_note,
                    strict=True))  # fmt: skip
    assert read.fs == 360
    assert rows == [
        (1000, "N", 0, ""), (1500, "+", 0, "(AFIB"), (2000, "S", 0, ""), (3000, "V", 0, ""),
        (4000, "F", 0, ""), (5000, "Q", 0, ""), (7200, "~", 0x33, ""), (9000, "~", 0, ""),
        (10_000, "+", 0, "(VFL"), (10_000, "[", 0, ""), (12_000, "]", 0, ""),
        (12_000, "+", 0, "(N"), (700_000, "N", 0, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("leads", "usable", "subtype"),
    [
        ((OK, OK), True, 0),
        ((NOISY, OK), True, 0x01),
        ((OK, OFF), True, 0x22),
        ((OFF, OFF), False, 0x33),
        ((NOISY, NOISY), False, 0x33),
        ((OFF, OFF, OK), True, 0x03),  # a third lead carries on: not a shutdown
    ],
)
def test_noise_subtype(leads, usable, subtype):
    got = noise_subtype(quality(0, leads, usable))
    assert got == subtype
    assert (got & 0x30 == 0x30) == (not usable)


def test_no_beats_still_makes_a_readable_file(tmp_path):
    WfdbAnnotations(INFO).write(tmp_path, "flat", 1000)
    assert wfdb.rdann(str(tmp_path / "flat"), "mon").aux_note == ["no beat found"]


def test_an_unwritable_folder_is_a_clear_error(tmp_path):
    with pytest.raises(MonitorError, match="cannot write"):
        WfdbAnnotations(INFO).write(tmp_path / "nowhere", "208", 1000)


def test_what_is_open_at_the_end_is_closed(tmp_path):
    sink = WfdbAnnotations(INFO)
    sink.add(Rhythm("s", 1000, 1400, "VFL"))
    sink.add(quality(2000, (OFF, OFF), False))
    sink.write(tmp_path, "208", 5000)
    read = wfdb.rdann(str(tmp_path / "208"), "mon")
    assert list(zip(read.sample.tolist(), read.symbol, read.subtype.tolist(), strict=True)) == [
        (1000, "+", 0), (1000, "[", 0), (2000, "]", 0), (2000, "~", 0x33), (5000, "~", 0),
    ]  # fmt: skip


def test_a_long_hole_is_a_shutdown(tmp_path):
    sink = WfdbAnnotations(INFO)
    sink.add(Gap("s", 1000, 300, GapKind.HOLE))
    sink.add(Gap("s", 3000, 720, GapKind.HOLE))
    sink.add(Gap("s", 5000, 720, GapKind.OVERLAP))
    sink.write(tmp_path, "208", 9000)
    read = wfdb.rdann(str(tmp_path / "208"), "mon")
    assert list(zip(read.sample.tolist(), read.subtype.tolist(), strict=True)) == [
        (3000, 0x30), (3720, 0),
    ]  # fmt: skip


def test_nothing_is_written_inside_a_shutdown(tmp_path):
    """The next annotation after its start would be taken as its end."""
    sink = WfdbAnnotations(INFO)
    for event in (
        Rhythm("s", 900, 950, "VFL"),
        quality(1000, (OFF, NOISY), False),
        quality(1500, (OFF, OFF), False),  # other bits, the same shutdown
        Rhythm("s", 1600, 1700, "VT"),
        Rhythm("s", 1800, 1900, "N"),
        quality(2000, (NOISY, OK), True),
        quality(3000, (OK, OK), True),
    ):
        sink.add(event)
    sink.write(tmp_path, "208", 5000)
    read = wfdb.rdann(str(tmp_path / "208"), "mon")
    rows = list(zip(read.sample.tolist(), read.symbol, read.subtype.tolist(), read.aux_note,
                    strict=True))  # fmt: skip
    assert rows == [
        (900, "+", 0, "(VFL"), (900, "[", 0, ""), (1000, "]", 0, ""), (1000, "~", 0x33, ""),
        (2000, "~", 0x01, ""), (2000, "+", 0, "(N"), (3000, "~", 0, ""),
    ]  # fmt: skip
