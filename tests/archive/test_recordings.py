"""Names, folders and lists stand for recordings, each once, and each with results of its own."""

import pytest

from monitor.archive.recordings import find
from monitor.errors import MonitorError

HEADER = "{name} 1 250 1000\n{name}.dat 16 200/mV 16 0 0 0 0 II\n"


def make(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.hea").write_text(HEADER.format(name=name))
        (folder / f"{name}.dat").write_bytes(bytes(2000))


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.delenv("ECG_MONITOR_DATA", raising=False)
    folder = tmp_path / "archive"
    make(folder, "a", "b")
    make(folder / "ward" / "p1", "a")
    make(folder / ".hidden", "c")
    make(folder / "long", "s1", "s2")
    (folder / "long" / "m.hea").write_text("m/3 1 250 2000\ns1 1000\n~ 10\ns2 1000\n")
    (folder / "night.edf").write_bytes(b"0       ")
    (folder / "notes.txt").write_text("not a recording")
    (folder / "broken.hea").write_text("")
    return folder


def found(names=(), lists=(), data=None):
    wrong = []
    recordings = find(
        [str(n) for n in names],
        [str(n) for n in lists],
        data,
        lambda *_: None,
        lambda name, error: wrong.append((name, str(error))),
    )
    return recordings, wrong


def test_a_folder_gives_its_recordings_and_keeps_its_folders(archive):
    recordings, wrong = found([archive])
    assert [(r.name, r.target) for r in recordings] == [
        ("a", "a"),
        ("b", "b"),
        ("broken", "broken"),
        ("long/m", "long/m"),
        ("night.edf", "night"),
        ("ward/p1/a", "ward/p1/a"),
    ]
    assert recordings[-1].place == str(archive / "ward" / "p1")
    assert wrong == []


def test_names_are_as_before(archive, tmp_path):
    names = [archive / "a.hea", archive / "a.dat", archive / "night.edf", archive / "none"]
    recordings, wrong = found([*names, archive / "ward" / "p1" / "a"])
    assert [r.record for r in recordings] == ["a", "night.edf"]
    assert [name.rpartition("archive/")[2] for name, _ in wrong] == ["none", "ward/p1/a"]
    assert "there is no record" in wrong[0][1]
    assert "would both be written as a: annotate them into different folders" in wrong[1][1]


def test_a_folder_of_the_data_folder(archive, tmp_path):
    recordings, _ = found(["archive"], data=tmp_path)
    assert len(recordings) == 6
    make(tmp_path, "ward")  # a record with the name of a folder is the record
    (tmp_path / "ward").mkdir()
    recordings, _ = found([tmp_path / "ward"])
    assert [(r.record, r.folder) for r in recordings] == [("ward", "")]


def test_a_folder_without_recordings(tmp_path):
    (tmp_path / "notes.txt").write_text("II\n1\n2\n")
    recordings, wrong = found([tmp_path])
    assert recordings == []
    assert "no folder with WFDB or EDF recordings" in wrong[0][1]


def test_a_list_names_recordings_and_folders_beside_it(archive, tmp_path, monkeypatch):
    make(tmp_path / "elsewhere", "e")
    (archive / "RECORDS").write_text(
        f"# as PhysioNet writes them\na\n\nward/p1/a\nlong/\n{tmp_path}/elsewhere/e\n../x\nnone\n"
    )
    monkeypatch.chdir(tmp_path)
    recordings, wrong = found(lists=["archive/RECORDS"])
    assert [(r.name, r.target) for r in recordings] == [
        ("a", "a"),
        ("ward/p1/a", "ward/p1/a"),
        ("long/m", "long/m"),
        (f"{tmp_path}/elsewhere/e", "e"),
    ]
    assert [name for name, _ in wrong] == ["../x", "none"]


def test_a_list_that_is_none(archive, tmp_path):
    with pytest.raises(MonitorError, match=r"cannot read .*missing: No such file"):
        found(lists=[tmp_path / "missing"])
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(MonitorError, match="is no list of recordings"):
        found(lists=[tmp_path / "picture"])
