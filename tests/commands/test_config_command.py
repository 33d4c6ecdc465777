"""The settings as they are printed, checked and read again."""

import dataclasses
import json
import tomllib

import pytest

from monitor.cli import main
from monitor.config import Settings, load_settings
from monitor.errors import FAILED, USAGE

ALL = [
    (section.name, field.name)
    for section in dataclasses.fields(Settings)
    for field in dataclasses.fields(section.default_factory)
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    lines = [
        "[alarms]",
        "hr_high_bpm = 130",
        'off = ["couplet", "pause"]',
        "[journal]",
        'file = "a\\u007f b\\"\U0001f600.db"',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def printed(arguments, capsys):
    assert main(["config", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_what_is_printed_read_again_is_the_same_settings(file, tmp_path, capsys):
    for arguments in ([], ["--config", file]):
        again = tmp_path / "again.toml"
        again.write_text(printed(arguments, capsys), encoding="utf-8")
        assert load_settings(again) == load_settings(arguments[1] if arguments else None)


def test_every_setting_is_printed_with_its_meaning_and_origin(file, capsys):
    text = printed(["--config", file, "--model", "cnn"], capsys)
    table = tomllib.loads(text)
    assert [(section, name) for section in table for name in table[section]] == ALL
    lines = {line.partition(" = ")[0]: line for line in text.splitlines()}
    assert lines["hop_s"] == "hop_s = 0.25  # length of the hops that every later stage sees"
    set_by_file = f"hr_high: heart rate above this; set by {file}, default 120.0"
    assert lines["hr_high_bpm"] == f"hr_high_bpm = 130.0  # {set_by_file}"
    assert lines["model"].endswith('; set by --model, default "aami"')
    assert "# Limits and switches of the alarms; they can be changed while running." in lines


def test_json_names_value_default_origin_and_meaning(file, capsys):
    settings = json.loads(printed(["--config", file, "--json"], capsys))
    assert settings["alarms"]["off"] == {
        "value": ["couplet", "pause"], "default": [], "origin": str(file),
        "meaning": "alarm kinds that are switched off; asystole and vf cannot be",
    }  # fmt: skip
    assert settings["alarms"]["asystole_s"]["meaning"] == "asystole: no QRS for this long"
    assert settings["alarms"]["asystole_s"]["origin"] == "default"


def test_a_right_file_is_said_to_be_right(file, capsys):
    assert (
        printed(["--check", file], capsys) == f"{file} is right; 3 setting(s) are not the default\n"
    )


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("[alarms]\nhr_hihg_bpm = 1", USAGE, "setting alarms.hr_hihg_bpm is not known"),
        ("[alarms]\nhr_high_bpm = 10", USAGE, "setting alarms.hr_high_bpm: must lie in"),
        ("[alarm]\n", USAGE, "setting alarm is not known; known here: blocks, quality"),
        ("[recording]\nkeep_days = nan", USAGE, "recording.keep_days: must lie in"),
        ("alarms = 5", USAGE, "setting alarms: must be a table"),
        ("[alarms", FAILED, "not valid TOML"),
    ],
)
def test_a_wrong_file_fails_with_what_is_wrong(text, code, reason, tmp_path, capsys):
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    for option in ("--check", "--config"):
        assert main(["config", option, str(path)]) == code
        captured = capsys.readouterr()
        assert captured.out == ""
        assert reason in captured.err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[classify]\nmodel = "none.pt"', "model 'none.pt' is neither shipped"),
        ('[classify]\nmodel = "normal-abnormal"', "cannot label a stream"),
        ('[detect]\ndetector = "nosuch"', "no detector 'nosuch'"),
    ],
)
def test_a_file_whose_detector_or_model_cannot_be_had_fails(text, reason, tmp_path, capsys):
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    assert main(["config", "--check", str(path)]) != 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert reason in captured.err


def test_a_file_that_is_not_there_fails(tmp_path, capsys):
    assert main(["config", "--check", str(tmp_path / "none.toml")]) == FAILED
    assert "cannot read settings" in capsys.readouterr().err
