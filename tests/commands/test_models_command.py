"""``ecg-monitor models``: every shipped model is listed with what it says of itself."""

import json

import pytest

from monitor.cli import main
from monitor.models.manifest import Manifest
from monitor.models.shipped import SHIPPED


def test_all_shipped_models_are_listed_the_default_first(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("aami (default)")
    for name, sha256 in SHIPPED.items():
        assert f"{name}" in out
        assert sha256 in out
    assert out.count("classes") >= len(SHIPPED)


def test_json_lines_are_whole_manifests(capsys):
    assert main(["models", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["name"] for line in lines} == set(SHIPPED)
    for line in lines:
        assert line.pop("sha256") == SHIPPED[line["name"]]
        assert Manifest.from_table(line, "test").to_json()


@pytest.mark.parametrize("name", ["no-such-model", "README.md"])
def test_what_is_no_model_is_one_clear_line(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert main(["models", name]) == 1
    err = capsys.readouterr().err
    assert err.startswith("ecg-monitor: model")
    assert err.count("\n") == 1
