"""Whatever is wrong: one clear line on stderr, a non-zero exit, no traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def fails(capsys, *argv, code=None):
    """Run a command that has to fail and give its one line of complaint."""
    result = main([str(a) for a in argv])
    assert result != 0
    if code is not None:
        assert result == code
    err = capsys.readouterr().err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("ecg-monitor: ")]
    assert lines, err
    return lines[0]


def usage(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in argv])
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_unknown_record(capsys):
    assert "no record ./nothing" in fails(capsys, "replay", "./nothing", "--json", code=2)
    assert "say DATABASE/RECORD" in fails(capsys, "replay", "nothing", "--json")


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--model", "model '' is neither shipped"),
        ("--detector", "no detector ''"),
        ("--publish", "'' is not an endpoint"),
    ],
)
def test_an_empty_name_is_not_the_default(option, complaint, capsys):
    assert complaint in fails(capsys, "demo", "--once", option, "")


@pytest.mark.parametrize("value", ["nan", "-1", "soon"])
@pytest.mark.parametrize(
    "command", [["limits", "bed-7"], ["snippet", "bed-7", "--at", "1", "--out", "x"]]
)
def test_patience_has_an_end(command, value, capsys):
    assert f"--patience: '{value}' is not a time" in usage(capsys, *command, f"--patience={value}")


def test_unknown_lead(capsys, data_dir):
    line = fails(capsys, "replay", "mitdb/100", "--data", data_dir, "--lead", "V9", "--json")
    assert "has no lead 'V9'; it has MLII (mV), V5 (mV)" in line


def test_bad_settings(capsys, data_dir, tmp_path):
    config = tmp_path / "monitor.toml"
    for text, complaint in (
        ("[blocks]\nhop = 1\n", "setting blocks.hop is not known; known here: hop_s"),
        ("[blocks]\nhop_s = 'x'\n", "setting blocks.hop_s: must be of type float"),
        ("[blocks]\nhop_s = 9.0\n", "setting blocks.hop_s: must lie in 0.05 to 1"),
        ("nonsense", "not valid TOML"),
    ):
        config.write_text(text, encoding="utf-8")
        line = fails(capsys, "replay", "100", "--data", data_dir, "--config", config, "--json")
        assert complaint in line
    none = tmp_path / "none.toml"
    line = fails(capsys, "replay", "100", "--data", data_dir, "--config", none, "--json")
    assert line == f"ecg-monitor: cannot read settings {none}: No such file or directory"
    config.write_bytes(b"\xff\xfe")
    line = fails(capsys, "replay", "100", "--data", data_dir, "--config", config, "--json")
    assert "not valid TOML: 'utf-8' codec can't decode" in line


def test_bad_model_and_detector(capsys, data_dir, tmp_path):
    junk = tmp_path / "junk.pt"
    junk.write_bytes(b"PK\x03\x04 this is no bundle")
    common = ("replay", "100", "--data", data_dir, "--stop", "5", "--json")
    assert "junk.pt" in fails(capsys, *common, "--model", junk)
    assert "nonesuch" in fails(capsys, *common, "--model", "nonesuch")
    assert "nonesuch" in fails(capsys, *common, "--detector", "nonesuch")


def test_options_that_make_no_sense(capsys):
    assert "not a speed" in usage(capsys, "replay", "100", "--speed", "fast")
    assert "not a speed" in usage(capsys, "replay", "100", "--speed", "0")
    assert "not a time" in usage(capsys, "replay", "100", "--start", "now")
    assert "invalid choice" in usage(capsys, "dance")


def test_unknown_scenario_and_rate(capsys):
    assert "nonesuch" in fails(capsys, "demo", "--scenario", "nonesuch", "--text")
    assert "outside 100 to 1000 Hz" in fails(capsys, "demo", "--rate-hz", "50", "--text")


def test_annotate_goes_on_after_a_bad_record(capsys, data_dir, tmp_path):
    short = tmp_path / "rec"
    short.mkdir()
    for file in (data_dir / "wfdb-samples").glob("s0010_re.*"):
        shutil.copy(file, short / file.name)
    lines = {
        "cut": "cut 1 360 9999\ncut.dat 16 1000 16 0 0 0 0 MLII\n",
        "odd": "odd 1 360 100\ncut.dat 16 1000/?V 16 0 0 0 0 MLII\n",
        "bad": "bad 1 360 100\ncut.dat 77 1000/mV 16 0 0 0 0 MLII\n",
    }
    for name, text in lines.items():
        (short / f"{name}.hea").write_text(text, encoding="utf-8")
    (short / "cut.dat").write_bytes(b"\x00" * 200)
    (short / "night.edf").write_bytes(b"0       " + b" " * 600)
    out = tmp_path / "out"
    names = ("bad", "odd", "cut", "night.edf", "none", "s0010_re")
    paths = [f"{short}/{name}" for name in names]
    code = main(["annotate", *paths, "--out", str(out), "--jobs", "1"])
    err = capsys.readouterr().err.splitlines()
    assert code == 1
    assert [line.startswith("ecg-monitor: ") for line in err] == [True] * 6
    for line, text in zip(
        err,
        (
            "no record",
            "signal format 77 is not known",
            "the unit '?V' of MLII is not known: add --unit mV",
            "cut is truncated: cut.dat holds 100 of 9999 samples",
            "night.edf cannot be read as EDF: the header length is blank",
            "4 of 6 records failed",
        ),
        strict=True,
    ):
        assert text in line
    assert {p.name.split(".")[0] for p in out.iterdir()} == {"cut", "s0010_re"}


def test_a_fault_of_ours_is_told_in_a_line_and_the_next_record_goes_on(
    capsys, data_dir, tmp_path, monkeypatch
):
    import monitor.annotate

    annotate = monitor.annotate.annotate_record

    def fails_on_100(path, *rest):
        if path.name == "100":
            raise ZeroDivisionError("by\nzero")
        return annotate(path, *rest)

    monkeypatch.setattr(monitor.annotate, "annotate_record", fails_on_100)
    records = [data_dir / "mitdb/100", data_dir / "wfdb-samples/s0010_re"]
    assert main(["annotate", *map(str, records), "--out", str(tmp_path)]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("ecg-monitor: record 100: ZeroDivisionError: by zero (a fault of ecg-")
    assert last == "ecg-monitor: 1 of 2 records failed"
    assert (tmp_path / "s0010_re.mon").exists()


def test_a_record_that_is_named_by_each_of_its_files_is_annotated_once(capsys, data_dir, tmp_path):
    shutil.copy(data_dir / "wfdb-samples/03700181.hea", tmp_path)
    shutil.copy(data_dir / "wfdb-samples/03700181.dat", tmp_path)
    files = [str(path) for path in sorted(tmp_path.glob("03700181.*"))]
    assert len(files) == 2
    assert main(["annotate", *files, "--json", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert said.out.count("\n") == 1
    assert said.err == ""


def test_of_a_recording_that_cannot_be_read_to_its_end_nothing_is_written(capsys, tmp_path):
    rows = ["II [mV]"] + [f"{0.001 * (k % 250)}" for k in range(12_500)]
    bad = [f"{k};7" for k in range(13_000)]
    (tmp_path / "bed.csv").write_text("\n".join([*rows, *bad]), encoding="utf-8")
    out = tmp_path / "out"
    command = ["annotate", str(tmp_path / "bed.csv"), "--rate", "250", "--out", str(out)]
    assert main(command) == 1
    assert "12501 of 25001 lines do not fit" in capsys.readouterr().err.splitlines()[-1]
    assert list(out.iterdir()) == []


def test_unwritable_folder(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert "cannot write into" in fails(capsys, "annotate", "100", "--out", tmp_path / "file" / "x")


def test_a_name_no_file_can_have(capsys):
    assert "File name too long" in fails(capsys, "replay", "a" * 300, "--json", code=2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "monitor", "demo", "--list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=600,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("ecg-monitor: cannot write the output: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_name_that_the_output_cannot_show_is_escaped(tmp_path):
    (tmp_path / "b\u00e9d.toml").touch()
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "config", "--check", str(tmp_path / "b\u00e9d.toml")],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=600,
        check=True,
    )
    assert rb"b\xe9d.toml is right" in done.stdout
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("closed", "command"),
    [("<&-", "demo --scenario vt --once --text"), (">&-", "config"), ("<&- >&- 2>&-", "config")],
)
def test_closed_standard_streams_are_no_error(closed, command):
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m monitor {command} {closed}', sys.executable],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (">&-" not in closed.split())


def test_annotate_tells_once_what_is_wrong_for_every_record(capsys, data_dir, tmp_path):
    records = [data_dir / "mitdb" / name for name in ("100", "101")]
    options = ("--detector", "nope", "--out", tmp_path)
    assert main(["annotate", *map(str, (*records, *options))]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("ecg-monitor: no detector 'nope'")
    assert last == "ecg-monitor: 2 of 2 records failed"
