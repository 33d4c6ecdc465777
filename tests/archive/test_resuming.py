"""A finished record is not done again, unless what it was made of has changed."""

import json
import os

import pytest
from archive_parts import make_detectors, make_record, results

from monitor.cli import main


@pytest.fixture
def archive(tmp_path):
    make_record(tmp_path / "in", "a")
    make_record(tmp_path / "in", "b", seed=1)
    return tmp_path / "in"


def annotate(archive, out, *options):
    return main(["annotate", str(archive), "--out", str(out), "--jobs", "1", *map(str, options)])


def kept(capsys):
    """Give how many records the command has just left out."""
    out = capsys.readouterr().out
    assert "2 records" in out
    return int(out.partition(" finished before")[0].rpartition("(")[2]) if "(" in out else 0


@pytest.mark.slow
def test_what_is_finished_and_the_same_is_left_out(archive, tmp_path, capsys):
    out = tmp_path / "out"
    assert annotate(archive, out) == 0
    assert kept(capsys) == 0
    before, stamp = results(out), (out / "a.mon").stat().st_mtime_ns
    assert annotate(archive, out) == 0
    assert kept(capsys) == 2
    assert (out / "a.mon").stat().st_mtime_ns == stamp
    (out / "a.mon").write_bytes(b"cut")  # results that are not whole
    (out / "b.alerts.jsonl").unlink()
    assert annotate(archive, out) == 0
    assert kept(capsys) == 0
    assert results(out) == before
    (out / "a.done.json").write_text("{}")  # a marker that is not whole
    assert annotate(archive, out) == 0
    assert kept(capsys) == 1
    assert annotate(archive, out, "--again") == 0
    assert kept(capsys) == 0
    assert results(out) == before
    assert not list(out.glob(".*"))


@pytest.mark.slow
def test_other_options_inputs_and_programs_are_done_again(archive, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    settings = tmp_path / "settings.toml"
    settings.write_text("[service]\nmax_streams = 7\n")
    assert annotate(archive, out) == 0
    capsys.readouterr()
    assert annotate(archive, out, "--config", settings) == 0
    assert kept(capsys) == 2  # of the server: not of the analysis
    settings.write_text("[alarms]\npause_s = 3.5\n")
    assert annotate(archive, out, "--config", settings) == 0
    assert kept(capsys) == 0
    assert annotate(archive, out, "--config", settings, "--lead", "II") == 0
    assert kept(capsys) == 0
    signal = archive / "a.dat"
    os.utime(signal, ns=(0, 0))
    assert annotate(archive, out, "--config", settings, "--lead", "II") == 0
    assert kept(capsys) == 1
    monkeypatch.setattr("monitor.__version__", "99.0")
    assert annotate(archive, out, "--config", settings, "--lead", "II") == 0
    assert kept(capsys) == 0
    assert json.loads((out / "a.done.json").read_text())["made_by"]["version"] == "99.0"
    make_detectors(tmp_path / "lib", monkeypatch)
    assert annotate(archive, out, "--detector", "odd_detectors:dies") == 0
    assert kept(capsys) == 0


@pytest.mark.slow
def test_a_failed_record_is_tried_again_and_strips_that_are_not_drawn_any_more_go(
    archive, tmp_path, capsys
):
    out, strips = tmp_path / "out", tmp_path / "strips"
    whole = (archive / "b.hea").read_bytes()
    (archive / "b.hea").write_bytes(whole.replace(b" 16 ", b" 77 "))
    assert annotate(archive, out, "--plot", strips) == 1
    said = capsys.readouterr()
    assert "1 of 2 records failed" in said.err
    assert "signal format 77 is not known" in said.out
    drawn = {path.name for path in strips.iterdir()}
    assert "a_0001_bigeminy.svg" in drawn
    (archive / "b.hea").write_bytes(whole)
    settings = tmp_path / "settings.toml"
    settings.write_text("[alarms]\noff = ['bigeminy']\n")
    assert annotate(archive, out, "--plot", strips, "--config", settings) == 0
    assert not {path.name for path in strips.iterdir()} & {"a_0001_bigeminy.svg"}


def test_a_marker_that_others_have_written_deletes_nothing_elsewhere(tmp_path):
    from monitor.archive.finished import read_marker
    from monitor.archive.local_place import LocalPlace

    fields = {"made_by": {}, "inputs": {}, "results": {}}
    names = ["a_0001_vt.svg", "w/a_0001_vt.svg", "../x.svg", "/etc/x.svg", "notes.txt"]
    (tmp_path / "a.done.json").write_text(json.dumps({**fields, "strips": names}))
    marker = read_marker(LocalPlace(tmp_path), "a")
    assert marker.strips == ("a_0001_vt.svg", "w/a_0001_vt.svg")


def test_a_machine_with_another_program_is_refused(archive, tmp_path, monkeypatch):
    from monitor.archive.made_by import made_by
    from monitor.archive.task import Job, Task, annotate_one
    from monitor.config import Settings
    from monitor.sources.named import SourceOptions

    there = {**made_by(Settings(), SourceOptions(), False), "code": "of old", "model": "mine"}
    job = Job(str(tmp_path / "out"), None, Settings(), SourceOptions(), there)
    outcome = annotate_one(Task("a", str(archive), "a", "", "a", job))
    assert outcome.summary is None
    assert "has another code and model than the machine that started the run" in outcome.wrong
    assert not (tmp_path / "out").exists()
