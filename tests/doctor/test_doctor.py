"""Every check finds what it is there to find."""

import json
import shutil
from collections import namedtuple
from importlib import metadata
from types import SimpleNamespace

import pytest

from monitor.cli import main
from monitor.config import ClassifySettings, Settings
from monitor.doctor import analysis, installation, machine
from monitor.doctor.finding import Verdict, ok
from monitor.errors import FAILED
from monitor.models import shipped
from monitor.wire.sockets import ServiceSockets

FREE = "tcp://127.0.0.1:*"
Usage = namedtuple("Usage", "total used free")


def verdicts(findings):
    return {finding.check: finding.verdict.value for finding in findings}


@pytest.fixture
def needs(monkeypatch):
    """Pretend that the program needs these."""

    def pretend(*requirements):
        monkeypatch.setattr(metadata, "requires", lambda name: list(requirements))
        extras = [text.split('"')[1] for text in requirements if "extra" in text]
        found = type("Found", (), {"get_all": lambda self, key: extras})()
        monkeypatch.setattr(metadata, "metadata", lambda name: found)

    return pretend


def test_packages_that_are_missing_or_too_old_are_named(needs):
    needs("numpy>=1", "numpy>=999", "no-such-package>=1")
    (found,) = installation.check_packages()
    assert found.verdict is Verdict.FAIL
    assert "needs >=999" in found.text
    assert "no-such-package is missing" in found.text


def test_extras_may_be_absent_but_not_wrong(needs):
    needs(
        "numpy>=1",
        'pyzmq>=1; extra == "good"',
        'no-such-package; extra == "absent"',
        'pyzmq>=999; extra == "old"',
        'no-such-package; extra == "dev"',
    )
    found = {finding.check: finding for finding in installation.check_packages()}
    assert verdicts(found.values()) == {
        "packages": "ok", "extra good": "ok", "extra absent": "ok", "extra old": "warn",
    }  # fmt: skip
    assert "not installed" in found["extra absent"].text
    assert found["extra old"].remedy == "pip install 'ecg-monitor[old]'"


def test_a_model_that_is_not_as_shipped_fails(monkeypatch):
    monkeypatch.setitem(shipped.SHIPPED, "cnn", "0" * 64)
    (found,) = analysis.check_models(Settings())
    assert found.verdict is Verdict.FAIL
    assert "cnn.pt is not the file that was shipped" in found.text


@pytest.mark.slow
def test_the_default_model_labels_known_beats():
    assert verdicts(analysis.check_known_beats(Settings())) == {"label N": "ok", "label V": "ok"}


def test_a_model_that_labels_nothing_right_fails(monkeypatch):
    monkeypatch.setattr(analysis.Pipeline, "push", lambda self, chunk: [])
    monkeypatch.setattr(analysis.Pipeline, "flush", lambda self: [])
    found = verdicts(analysis.check_known_beats(Settings()))
    assert found == {"label N": "fail", "label V": "fail"}


@pytest.mark.slow
@pytest.mark.parametrize(("rest", "verdict"), [(2.0, "ok"), (1e3, "fail")])
def test_speed_is_judged(rest, verdict, monkeypatch):
    monkeypatch.setattr(analysis, "FOR_THE_REST", rest)
    monkeypatch.setattr(analysis, "SPEED_S", 10.0)
    (found,) = analysis.check_speed(Settings())
    assert found.verdict == verdict
    assert "x real time" in found.text


def test_a_check_that_breaks_is_a_finding():
    def broken():
        yield ok("first", "well")
        raise RuntimeError("out of\nluck")

    first, second = machine.guarded("name", broken())
    assert first.verdict is Verdict.OK
    assert (second.check, second.verdict) == ("name", Verdict.FAIL)
    assert "RuntimeError: out of luck" in second.text


def test_a_chosen_model_that_is_not_there_is_a_finding():
    settings = Settings(classify=ClassifySettings(model="/nowhere.pt"))
    found = list(machine.guarded("models", analysis.check_models(settings)))
    assert [finding.verdict.value for finding in found] == ["ok", "fail"]


@pytest.mark.parametrize(
    ("free", "verdict"), [(50e6, "fail"), (1e9, "warn"), (900e9, "ok")]
)  # fmt: skip
def test_room_on_the_disk_is_judged(free, verdict, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1e12, 0, free))
    (found,) = machine.check_folder("recording", tmp_path / "not" / "yet", recording=True)
    assert found.verdict == verdict
    assert "days of one stream" in found.text
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_fails(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (found,) = machine.check_folder("journal", tmp_path / "file" / "deeper")
    assert found.verdict is Verdict.FAIL


def test_the_data_folder_is_looked_into(tmp_path):
    assert verdicts(machine.check_data(None)) == {"data folder": "ok"}
    assert verdicts(machine.check_data(tmp_path / "none")) == {"data folder": "fail"}
    assert verdicts(machine.check_data(tmp_path)) == {"data folder": "warn"}
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / "100.hea").write_text("", encoding="utf-8")
    (found,) = machine.check_data(tmp_path)
    assert found.text.endswith("1 WFDB records")


def test_a_clock_that_stands_or_is_set_is_found(monkeypatch):
    def found(passed_s, wall_passed_s):
        clocks = {"monotonic": [0.0, passed_s], "time": [1e9, 1e9 + wall_passed_s]}
        told = {name: iter(moments).__next__ for name, moments in clocks.items()}
        monkeypatch.setattr(machine, "time", SimpleNamespace(**told, sleep=lambda seconds: None))
        return next(machine.check_clock()).verdict

    assert found(0.1, 0.1) is Verdict.OK
    assert found(0.0, 0.0) is Verdict.FAIL
    assert found(0.1, 0.0) is Verdict.WARN
    assert found(0.1, 0.5) is Verdict.WARN


@pytest.mark.parametrize(("year", "verdict"), [(1970, "fail"), (2150, "fail"), (2030, "warn")])
def test_a_wall_clock_that_cannot_be_right_is_found(year, verdict, monkeypatch):
    class Clock(machine.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(year, 1, 1, tzinfo=tz)

    monkeypatch.setattr(machine, "datetime", Clock)
    monkeypatch.setattr(machine, "_synchronized", lambda: "no")
    assert list(machine.check_clock())[1].verdict == verdict


def test_many_streams_want_many_open_files(monkeypatch):
    monkeypatch.setattr(machine.resource, "getrlimit", lambda kind: (1024, 4096))
    assert verdicts(machine.check_open_files(100)) == {"open files": "ok"}
    (found,) = machine.check_open_files(1000)
    assert found.verdict is Verdict.WARN
    assert "ulimit -n 3064" in found.remedy


@pytest.fixture
def checked(monkeypatch, tmp_path):
    """Run the command with the slow checks left out."""
    for name in ("check_known_beats", "check_speed"):
        monkeypatch.setattr(analysis, name, lambda settings: iter(()))
    endpoints = {"--input": FREE, "--output": FREE, "--control": FREE}

    def run(capsys, **changed):
        for option, value in changed.items():
            endpoints[f"--{option}"] = value
        options = [word for pair in endpoints.items() for word in pair]
        code = main(["doctor", *options, "--journal", str(tmp_path / "j.db"), "--json"])
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return code, {finding["check"]: finding for finding in found}

    return run


def test_the_command_tells_everything_and_ends_well(checked, capsys):
    code, found = checked(capsys)
    assert code == 0
    names = {"python", "packages", "models", "journal", "port input", "wall clock", "terminal"}
    assert names <= set(found)
    assert all(finding["verdict"] in ("ok", "warn") for finding in found.values())
    assert all(finding["remedy"] for finding in found.values() if finding["verdict"] == "warn")


@pytest.mark.slow
def test_a_taken_port_is_a_warning_and_a_wrong_one_a_failure(checked, capsys):
    with ServiceSockets(FREE, FREE, FREE) as taken:
        code, found = checked(capsys, output=taken.output_endpoint)
    assert (code, found["port output"]["verdict"]) == (0, "warn")
    code, found = checked(capsys, output=FREE, control="nowhere")
    assert (code, found["port control"]["verdict"]) == (FAILED, "fail")
    code, found = checked(capsys, control=FREE, record="/dev/null/x")
    assert (code, found["recording"]["verdict"]) == (FAILED, "fail")


@pytest.mark.slow
def test_keys_are_looked_at(checked, capsys, tmp_path):
    code, found = checked(capsys, keys=str(tmp_path / "none"))
    assert (code, found["keys"]["verdict"]) == (FAILED, "fail")
    assert main(["keys", "make", "server", "--keys", str(tmp_path / "keys")]) == 0
    capsys.readouterr()
    code, found = checked(capsys, keys=str(tmp_path / "keys"))
    assert (code, found["keys"]["verdict"]) == (0, "warn")
    assert "0 client(s)" in found["keys"]["text"]


def test_people_get_a_table(checked, capsys, monkeypatch, tmp_path):
    options = ["--input", FREE, "--output", FREE, "--control", FREE, "--journal", "off"]
    assert main(["doctor", *options, "--data", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "what to do" in table
    assert "set ECG_MONITOR_DATA" in table
