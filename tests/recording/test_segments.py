"""What is recorded, read back by wfdb as any WFDB tool would."""

import copy
import os

import numpy as np
import pytest
import wfdb
from bedside import INFO, RATE_HZ, WALL_NS, Bedside, annotations, beat, read, records, signal_mv

from monitor.config import RecordingSettings
from monitor.messages import (
    End,
    Gap,
    GapKind,
    LeadState,
    Quality,
    Rhythm,
    Samples,
    StreamInfo,
)
from monitor.recording.export import write_record
from monitor.recording.header import parse_header
from monitor.recording.recorder import Recorder
from monitor.recording.request import Span
from monitor.sinks.wfdb_annotations import WfdbAnnotations
from monitor.wire.protocol import StreamState, StreamStatus


def test_samples_come_back_exactly_from_segments_of_equal_length(tmp_path):
    values = signal_mv(20_000)
    bedside = Bedside(tmp_path, segment_s=30)
    at = 0
    for length in np.random.default_rng(2).integers(1, 900, 1000):
        bedside.samples(at, values[at : at + length])
        at = min(at + int(length), len(values))
        if length % 3 == 0:
            bedside.recorder.flush()
    bedside.close()
    paths = records(tmp_path)
    stored = [read(path) for path in paths]
    assert [record.sig_len for record in stored] == [6000, 6000, 6000, 2000]
    assert (np.concatenate([r.p_signal for r in stored]).astype(np.float32) == values).all()
    assert [r.base_counter for r in stored] == [0, 6000, 12_000, 18_000]
    assert [str(r.base_datetime)[11:-3] for r in stored] == [
        "10:13:07.250", "10:13:37.250", "10:14:07.250", "10:14:37.250",
    ]  # fmt: skip
    assert stored[0].sig_name == ["II", "V 1"]
    assert stored[0].fs == RATE_HZ
    assert "stream: bed-7" in stored[0].comments
    for record, path in zip(stored, paths, strict=True):
        digital = wfdb.rdrecord(str(path), physical=False).d_signal.astype(int)
        sums = digital.sum(axis=0).astype(np.int16).tolist()
        assert (record.checksum, record.init_value) == (sums, digital[0].tolist())


def test_no_line_of_a_header_is_longer_than_wfdb_allows(tmp_path):
    leads = ("L" * 64, "II " + "x" * 61)
    info = StreamInfo("s" * 64, 999.123456789, leads, source="y" * 1000)
    bedside = Bedside(tmp_path, info)
    values = signal_mv(500) + np.array([0, 1e9], np.float32)
    bedside.recorder.take(Samples(info.stream, 2**52, values), WALL_NS)
    bedside.close()
    (path,) = records(tmp_path)
    lines = path.with_suffix(".hea").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 255
    assert read(path).sig_len == 500
    assert parse_header("\n".join(lines)).start_sample == 2**52


def test_a_new_folder_is_for_its_owner_alone(tmp_path):
    Recorder(tmp_path / "kept", RecordingSettings(), print).close()
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700


def test_an_open_segment_can_be_read_at_any_time(tmp_path):
    values = signal_mv(1000)
    bedside = Bedside(tmp_path)
    for at in range(0, 1000, 100):
        bedside.samples(at, values[at : at + 100])
        bedside.recorder.flush()
        (path,) = records(tmp_path)
        assert (read(path).p_signal.astype(np.float32) == values[: at + 100]).all()


def test_annotations_of_an_open_segment_are_as_new_as_its_signal(tmp_path):
    """After each flush: what had come by then, and what lasts is closed at the end."""
    bedside = Bedside(tmp_path)
    ok, off = LeadState.OK, LeadState.LEAD_OFF
    came = {
        0: [Quality("bed-7", 0, 50, (ok, ok), True), Rhythm("bed-7", 0, 10, "N")],
        1000: [beat(100), beat(900)],
        5000: [Rhythm("bed-7", 4000, 4800, "VF")],
        12_000: [beat(11_000, "V"), Rhythm("bed-7", 10_000, 11_500, "N")],
        14_000: [beat(2000, "S"), beat(13_900)],  # one is very late
        15_000: [Quality("bed-7", 14_500, 14_900, (off, off), False)],
        20_000: [Quality("bed-7", 16_000, 19_900, (ok, ok), True)],  # it had ended long ago
    }
    expected = WfdbAnnotations(INFO)
    for at in range(0, 24_000, 500):
        bedside.samples(at, signal_mv(500))
        for event in came.get(at, []):
            bedside.recorder.take(event, WALL_NS)
            expected.add(event)
        bedside.recorder.flush()
        (path,) = records(tmp_path)
        anew = copy.deepcopy(expected).write(tmp_path, "expected", at + 500)
        assert path.with_suffix(".mon").read_bytes() == anew.read_bytes()
    rows = annotations(path)
    assert [row[0] for row in rows if row[1] in "NVS"] == [100, 900, 2000, 11_000, 13_900]
    assert [row[:2] for row in rows if row[1] in "[]~"] == [
        (4000, "["), (10_000, "]"), (14_500, "~"), (16_000, "~"),
    ]  # fmt: skip


def test_missing_samples_are_invalid_and_a_long_hole_begins_another_record(tmp_path):
    bedside = Bedside(tmp_path, hole_s=2)
    values = signal_mv(3000)
    values[5] = np.nan, np.inf
    bedside.samples(1000, values[:1000])
    bedside.samples(2400, values[1000:2000])  # 400 missing: filled
    bedside.samples(3801, values[2000:])  # 401 missing
    bedside.close()
    first, second = (read(path) for path in records(tmp_path))
    expected = np.full((2400, 2), np.nan, np.float32)
    expected[:1000], expected[1400:] = values[:1000], values[1000:2000]
    expected[5] = np.nan
    assert np.array_equal(first.p_signal.astype(np.float32), expected, equal_nan=True)
    assert (second.p_signal.astype(np.float32) == values[2000:]).all()
    assert (first.base_counter, second.base_counter) == (1000, 3801)


def test_samples_that_come_twice_are_stored_once(tmp_path):
    values = signal_mv(500)
    bedside = Bedside(tmp_path)
    bedside.samples(0, values[:300])
    bedside.samples(100, np.zeros((100, 2), np.float32))
    bedside.samples(200, np.concatenate([np.zeros((100, 2), np.float32), values[300:]]))
    bedside.close()
    (path,) = records(tmp_path)
    assert (read(path).p_signal.astype(np.float32) == values).all()


def test_events_go_to_the_segment_they_lie_in_however_late_they_come(tmp_path):
    bedside = Bedside(tmp_path, segment_s=30)
    take = bedside.recorder.take
    ok, off = LeadState.OK, LeadState.LEAD_OFF
    take(Quality("bed-7", 0, 50, (ok, ok), True), WALL_NS)
    take(Rhythm("bed-7", 0, 10, "N"), WALL_NS)
    for at in range(0, 14_000, 500):
        bedside.samples(at, signal_mv(500))
        take(beat(at + 100), WALL_NS)
        bedside.recorder.flush()
        if at == 6500:  # of the segment before, in force in this one
            take(beat(5990, "V"), WALL_NS)
            take(Rhythm("bed-7", 5000, 6600, "AFIB"), WALL_NS)
        if at == 11_000:  # a shutdown over the border
            take(Quality("bed-7", 11_050, 11_100, (off, off), False), WALL_NS)
            take(Gap("bed-7", 11_100, 400, GapKind.HOLE), WALL_NS)
    take(Quality("bed-7", 13_000, 13_050, (ok, ok), True), WALL_NS)
    bedside.close()
    first, second, third = (annotations(path) for path in records(tmp_path))
    assert first[0] == (0, "+", "(N")
    assert [row for row in first if row[1] != "N"][1:] == [(5000, "+", "(AFIB"), (5990, "V", "")]
    assert second[0] == (0, "+", "(AFIB")
    assert [row for row in second if row[1] == "~"] == [(5050, "~", ""), (6000, "~", "")]
    assert [row for row in third if row[1] != "N"] == [
        (0, "~", ""), (1000, "~", ""), (1000, "+", "(AFIB"),
    ]  # fmt: skip
    for rows in (first, second):
        assert sum(row[1] == "N" for row in rows) == 12


def test_an_electrode_offset_moves_the_baseline(tmp_path):
    values = signal_mv(4000)
    values[:, 1] += 250
    bedside = Bedside(tmp_path)
    bedside.samples(0, values)
    bedside.close()
    record = read(records(tmp_path)[0])
    assert np.abs(record.p_signal - values).max() < 0.00051
    assert record.adc_gain == [1000, 1000]
    assert not bedside.said


def test_a_value_beyond_the_range_begins_a_segment_with_a_wider_one(tmp_path):
    values = signal_mv(8000)
    values[4000:, 0] += 60
    bedside = Bedside(tmp_path)
    for at in (0, 4000):
        bedside.samples(at, values[at : at + 4000])
        bedside.recorder.flush()
    bedside.close()
    stored = [read(path) for path in records(tmp_path)]
    assert np.abs(np.concatenate([r.p_signal for r in stored]) - values).max() < 0.00051
    assert [r.base_counter for r in stored] == [0, 4000]


def test_what_is_cut_off_is_counted_and_said(tmp_path):
    values = signal_mv(1000)
    values[500:503, 1] = 5000
    values[700, 0] = -3e38
    bedside = Bedside(tmp_path)
    bedside.samples(0, values)
    bedside.close()
    record = read(records(tmp_path)[0])
    clipped = [comment for comment in record.comments if comment.startswith("clipped")]
    assert [comment.split(" beyond")[0] for comment in clipped] == [
        "clipped: 1 samples of II",
        "clipped: 3 samples of V 1",
    ]
    assert len(bedside.said) == 1
    assert "cut off" in bedside.said[0]
    assert not np.isnan(record.p_signal).any()


def test_names_sort_in_order_though_the_clock_is_set_back(tmp_path):
    bedside = Bedside(tmp_path, segment_s=30)
    for number in range(4):
        bedside.samples(6000 * number, signal_mv(6000), WALL_NS - number * 3600 * 10**9)
    bedside.close()
    assert [read(path).base_counter for path in records(tmp_path)] == [0, 6000, 12_000, 18_000]


@pytest.mark.parametrize(("wrong_ns", "year"), [(0, 1970), (-(2**62), 1823), (2**63 - 1, 2262)])
def test_a_source_whose_clock_is_wrong_neither_disorders_nor_ages_its_records(
    tmp_path, wrong_ns, year
):
    bedside = Bedside(tmp_path, segment_s=30)
    for at, stated_ns in ((0, wrong_ns), (6000, None), (12_000, WALL_NS + 5)):
        came_ns = WALL_NS + round((at + 6000) / RATE_HZ * 1e9)
        bedside.recorder.take(Samples("bed-7", at, signal_mv(6000), stated_ns), came_ns)
    bedside.close()
    stored = [(path.name, read(path)) for path in records(tmp_path)]
    assert [name for name, _ in stored] == [
        "20261121T101307_250", "20261121T101337_250", "20261121T101407_250",
    ]  # fmt: skip
    assert [record.base_counter for _, record in stored] == [0, 6000, 12_000]
    years = [record.base_datetime.year for _, record in stored]
    assert years == [year, 2026, 2026]


def test_a_stream_that_is_announced_anew_begins_a_record(tmp_path):
    bedside = Bedside(tmp_path)
    bedside.samples(0, signal_mv(500))
    other = StreamInfo("bed-7", 250.0, ("I",), start_sample=40)
    bedside.recorder.take(other, WALL_NS)
    bedside.recorder.take(Samples("bed-7", 40, signal_mv(100, 1)), WALL_NS)
    bedside.close()
    first, second = (read(path) for path in records(tmp_path))
    assert (first.fs, first.n_sig, first.sig_len) == (200, 2, 500)
    assert (second.fs, second.n_sig, second.sig_len, second.base_counter) == (250, 1, 100, 40)


def test_a_stream_that_the_service_knows_from_before_is_recorded_without_announcement(tmp_path):
    recorder = Recorder(tmp_path, RecordingSettings(), print, lambda: WALL_NS)
    for status in (StreamStatus.WAITING, StreamStatus.LIVE):
        recorder.take(StreamState("bed-7", status, "", INFO, 99), WALL_NS)
    values = signal_mv(300)
    recorder.take(Samples("bed-7", 5000, values), WALL_NS)
    recorder.take(StreamState("bed-7", StreamStatus.LIVE, "", INFO, 5300), WALL_NS)
    recorder.take(End("bed-7", 5300), WALL_NS)
    recorder.take(StreamState("bed-7", StreamStatus.ENDED, "", INFO, 5300), WALL_NS)
    recorder.close()
    (record,) = (read(path) for path in records(tmp_path))
    assert record.base_counter == 5000
    assert (record.p_signal.astype(np.float32) == values).all()


def test_many_streams_need_no_open_files(tmp_path):
    recorder = Recorder(tmp_path, RecordingSettings(), print, lambda: WALL_NS)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(60):
        recorder.take(StreamInfo(f"s{number}", RATE_HZ, ("II",)), WALL_NS)
        recorder.take(Samples(f"s{number}", 0, signal_mv(200, 1)), WALL_NS)
    recorder.flush()
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(records(tmp_path)) == 60


def test_the_pulse_is_stored_without_unit_and_known_again(tmp_path):
    info = StreamInfo("bed-7", RATE_HZ, ("II", "ABP"), pulse="ABP")
    values = signal_mv(4000)
    values[:, 1] = 100.0 + 10.0 * values[:, 1]  # mmHg
    bedside = Bedside(tmp_path, info)
    bedside.samples(0, values)
    bedside.close()
    (path,) = records(tmp_path)
    stored = read(path)
    assert stored.units == ["mV", "NU"]
    assert stored.p_signal == pytest.approx(values, abs=0.005)
    assert parse_header(path.with_suffix(".hea").read_text()).info == info


def test_what_is_recorded_is_for_its_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        bedside = Bedside(tmp_path / "kept")
        bedside.samples(0, signal_mv(2000))
        bedside.recorder.flush()
        open_modes = modes(tmp_path / "kept")
        bedside.close()
        span = Span(INFO, 0, signal_mv(500), WALL_NS)
        write_record(tmp_path / "new" / "snippets", "one", span)
    finally:
        os.umask(before)
    for found in (open_modes, modes(tmp_path / "kept"), modes(tmp_path / "new")):
        assert len(found) > 2
        assert set(found) == {0o600, 0o700}


def modes(folder):
    """Permissions of a folder and of all that is in it."""
    return [path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]]
