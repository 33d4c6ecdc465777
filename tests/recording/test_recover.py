"""What a killed service leaves is finished at the next start, and old recordings go."""

import os
import shutil

import pytest
import wfdb
from test_segments import (
    INFO,
    WALL_NS,
    Bedside,
    annotations,
    beat,
    read,
    records,
    signal_mv,
)

from monitor.config import RecordingSettings
from monitor.errors import MonitorError
from monitor.messages import Rhythm
from monitor.recording.recorder import Recorder

DAY_NS = 86_400 * 10**9


def record(folder, killed=False):
    """Two segments with a beat each second; give the signal."""
    values = signal_mv(8000)
    bedside = Bedside(folder, segment_s=30)
    bedside.recorder.take(Rhythm("bed-7", 0, 10, "N"), WALL_NS)
    for at in range(0, 8000, 200):
        bedside.samples(at, values[at : at + 200])
        bedside.recorder.take(beat(at + 100), WALL_NS)
        bedside.recorder.flush()
    if killed:
        os.close(bedside.recorder._lock)  # as the end of its process does
    else:
        bedside.close()
    return values


def start(folder, said, **settings):
    return Recorder(folder, RecordingSettings(**settings), said.append, lambda: WALL_NS)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("bed-7/*")}


def test_a_killed_recording_is_finished_as_if_it_had_ended(tmp_path):
    record(tmp_path / "whole")
    record(tmp_path / "killed", killed=True)
    assert list((tmp_path / "killed").glob("*/*.open"))
    said = []
    start(tmp_path / "killed", said).close()
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert any("of an earlier run: 2000 samples" in line for line in said)
    again = contents(tmp_path / "killed")
    start(tmp_path / "killed", said).close()
    assert contents(tmp_path / "killed") == again


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 7, 17, 400])
def test_files_that_were_torn_off_anywhere_become_a_valid_record(tmp_path, cut):
    values = record(tmp_path, killed=True)
    last = records(tmp_path)[-1]
    os.truncate(f"{last}.dat", 8000 - cut)
    os.truncate(f"{last}.mon", max(os.stat(f"{last}.mon").st_size - cut, 0))
    (last.parent / (last.name + ".hea.tmp")).write_text("torn", encoding="utf-8")
    (last.parent / (last.name + ".mon.tmp")).write_text("torn", encoding="utf-8")
    start(tmp_path, []).close()
    stored = read(last)
    assert stored.sig_len == (8000 - cut) // 4
    assert (stored.p_signal.astype("f4") == values[6000 : 6000 + stored.sig_len]).all()
    beats = [row[0] for row in annotations(last) if row[1] == "N"]
    lost = -(-cut // 2)  # two bytes are the end, or a beat
    assert beats == list(range(100, 2000, 200))[: max(10 - lost, 0)]
    assert {path.suffix for path in last.parent.iterdir()} == {".hea", ".dat", ".mon"}


def test_a_segment_without_a_header_held_nothing(tmp_path):
    record(tmp_path, killed=True)
    last = records(tmp_path)[-1]
    os.unlink(f"{last}.hea")
    start(tmp_path, []).close()
    assert last.name not in {path.name.partition(".")[0] for path in last.parent.iterdir()}
    assert len(records(tmp_path)) == 1


def test_a_damaged_segment_is_set_aside_and_the_others_are_finished(tmp_path):
    record(tmp_path, killed=True)
    first, last = records(tmp_path)
    with open(f"{first}.hea", "r+b") as file:
        file.write(b"\xff\xff")
    said = []
    start(tmp_path, said).close()
    assert any("cannot be finished" in line for line in said)
    assert first.with_suffix(".dat").stat().st_size == 6000 * 4
    assert len(annotations(last)) == 11
    assert [path.name for path in first.parent.glob("*.damaged")] == [first.name + ".damaged"]


def test_a_header_that_was_torn_off_anywhere_stops_no_start(tmp_path):
    """Signal and annotations are kept; what cannot be finished is set aside, and said."""
    record(tmp_path / "killed", killed=True)
    header = next((tmp_path / "killed").glob("bed-7/*.hea")).read_bytes()
    for cut in range(0, len(header), 7):
        folder = tmp_path / str(cut)
        shutil.copytree(tmp_path / "killed", folder)
        first, _ = records(folder)
        first.with_suffix(".hea").write_bytes(header[:cut])
        said = []
        start(folder, said).close()
        assert len(said) == 2
        assert first.with_suffix(".dat").stat().st_size == 6000 * 4
        assert len(annotations(first)) == 31
        assert not list(folder.glob("*/*.open"))


def test_new_segments_come_after_those_of_an_earlier_run(tmp_path):
    record(tmp_path)
    earlier = [path.name for path in records(tmp_path)]
    recorder = start(tmp_path, [])
    recorder.take(INFO, WALL_NS)
    bedside = Bedside.__new__(Bedside)
    bedside.recorder, bedside.info = recorder, INFO
    bedside.samples(0, signal_mv(300), WALL_NS - DAY_NS)  # the clock was set back
    bedside.close()
    assert [path.name for path in records(tmp_path)][:2] == earlier
    assert read(records(tmp_path)[2]).sig_len == 300


def test_two_services_cannot_record_into_one_folder(tmp_path):
    first = start(tmp_path, [])
    with pytest.raises(MonitorError, match="another `serve` records into"):
        start(tmp_path, [])
    first.close()
    start(tmp_path, []).close()


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(MonitorError, match="cannot record into"):
        start(tmp_path / "file", [])


def kept(folder):
    return sorted((path.parent.name, path.name) for path in records(folder))


@pytest.fixture
def two_beds(tmp_path):
    """Two streams with two segments each, the first of both about 24 kB."""
    record(tmp_path)
    shutil.copytree(tmp_path / "bed-7", tmp_path / "bed-8")
    return tmp_path


def tidied(folder, wall_ns=WALL_NS + 10**9, **settings):
    recorder = Recorder(folder, RecordingSettings(**settings), print, lambda: wall_ns)
    recorder.flush()
    recorder.close()
    return kept(folder)


def test_old_recordings_are_deleted_with_all_their_files(two_beds):
    before = kept(two_beds)
    old = tidied(two_beds, WALL_NS + DAY_NS + 10 * 10**9, keep_days=1)
    assert old == [entry for entry in before if entry[1] == before[1][1]]
    names = {path.name.partition(".")[0] for path in two_beds.glob("bed-*/*")}
    assert names == {before[1][1]}


def test_the_oldest_go_when_all_take_too_much_room(two_beds, monkeypatch):
    before = kept(two_beds)
    monkeypatch.setattr("monitor.recording.retention.MB", 40_000)
    assert tidied(two_beds, max_mb=1) == [before[1], before[3]]
    monkeypatch.setattr("monitor.recording.retention.MB", 1_000_000)
    assert tidied(two_beds, max_mb=1) == [before[1], before[3]]


def test_other_files_are_never_deleted(two_beds):
    other = two_beds / "bed-7" / "notes.txt"
    other.write_text("mine", encoding="utf-8")
    assert tidied(two_beds, WALL_NS + 400 * DAY_NS, keep_days=1) == []
    assert other.exists()


def test_wfdb_reads_what_is_left_by_a_kill_before_any_recovery(tmp_path):
    values = record(tmp_path, killed=True)
    stored = [read(path).p_signal.astype("f4") for path in records(tmp_path)]
    assert (stored[0] == values[:6000]).all()
    assert (stored[1] == values[6000:]).all()
    assert wfdb.rdheader(str(records(tmp_path)[1])).comments


@pytest.mark.parametrize(("owner", "name"), [(os, "fdopen"), (os, "replace"), (os, "truncate")])
def test_a_disk_that_is_full_at_the_start_leaves_them_for_the_next(
    owner, name, tmp_path, monkeypatch
):
    record(tmp_path, killed=True)
    before = contents(tmp_path)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    said = []
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, full)
        start(tmp_path, said).close()
    assert any("cannot be finished now" in line for line in said)
    assert contents(tmp_path) == before
    assert len(list(tmp_path.glob("*/*.open"))) == 2
    start(tmp_path, said).close()
    assert {path.suffix for path in tmp_path.glob("bed-7/*")} == {".hea", ".dat", ".mon"}
