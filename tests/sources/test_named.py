"""The tables of sources: a line is enough for a source to be found and opened by its name."""

import pytest

from monitor.errors import MonitorError
from monitor.sources.named import FILES, LIVE, SourceOptions, is_live, is_text, open_source
from monitor.sources.records import find_record, record_name


def opener(name, options, chunk_s, log):
    return name, options, chunk_s


def test_a_new_kind_of_file_is_a_line_in_the_table(monkeypatch, tmp_path):
    folder = tmp_path / "data" / "ward"
    folder.mkdir(parents=True)
    (folder / "bed7.npy").write_bytes(b"\x93NUMPY\0")
    with pytest.raises(MonitorError, match=r"its suffix is none of \.edf, \.rec, \.bdf"):
        find_record(str(folder / "bed7.npy"))
    monkeypatch.setitem(FILES, ".npy", opener)
    for name in (str(folder / "bed7.npy"), "bed7.npy", "ward/bed7.npy"):
        path = find_record(name, tmp_path / "data")
        assert path == folder / "bed7.npy"
    assert not is_text(path)
    assert record_name(path) == "bed7"
    assert open_source(path, SourceOptions(), 0.2, print) == (path, SourceOptions(), 0.2)
    with pytest.raises(MonitorError, match=r"there is no file none\.npy"):
        find_record("none.npy")


def test_a_new_kind_of_device_is_a_line_in_the_table(monkeypatch):
    assert not is_live("serial:ttyUSB0")
    monkeypatch.setitem(LIVE, "serial:", opener)
    assert is_live("serial:ttyUSB0")
    assert open_source("serial:a:b", SourceOptions(), 0.2, print)[0] == "serial:a:b"
