"""The files of the page: our own, small, and nothing from elsewhere."""

import re
import tomllib
from pathlib import Path

import pytest

from monitor.web.app import TYPES, page_files

ROOT = Path(__file__).resolve().parents[2]
FILES = {name: text.decode() for name, text in page_files().items()}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_is_short_and_of_a_known_type(name):
    assert len(FILES[name].splitlines()) <= 300
    assert name.rpartition(".")[2] in TYPES


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_refers_to_nothing_elsewhere(name):
    addresses = set(re.findall(r"[\"'(]((?:https?:|wss?:|data:)?//[^\s\"')]+)", FILES[name]))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in FILES[name]


def test_the_page_has_no_inline_script_or_style():
    page = FILES["index.html"]
    assert not re.search(r"\son\w+\s*=|\sstyle\s*=|<style", page)
    for tag in re.findall(r"<script[^>]*>", page):
        assert "src=" in tag
    assert "innerHTML" not in "".join(SCRIPTS.values())
    assert not re.search(r"\beval\(|new Function", "".join(SCRIPTS.values()))


def test_what_a_file_loads_is_there():
    named = re.findall(r"/static/([\w.-]+)", FILES["index.html"])
    named += [n for text in SCRIPTS.values() for n in re.findall(r"from '\./([\w.-]+)'", text)]
    assert set(named) <= set(FILES)
    assert set(FILES) - {"index.html"} <= set(named)


def test_what_a_script_imports_is_exported():
    for name, text in SCRIPTS.items():
        for wanted, other in re.findall(r"import \{ ([^}]+) \} from '\./([\w.-]+)'", text):
            exported = set(
                re.findall(r"export (?:async )?(?:class|const|function) (\w+)", FILES[other])
            )
            assert {w.strip() for w in wanted.split(",")} <= exported, name


def test_the_files_are_shipped():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "web/static/*" in project["tool"]["setuptools"]["package-data"]["monitor"]
