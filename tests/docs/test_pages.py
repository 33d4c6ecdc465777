"""What the documentation says can be followed: links lead somewhere, commands are accepted."""

from __future__ import annotations

import argparse
import functools
import importlib
import re
import sys
from pathlib import Path

import pytest
from docs_pages import PAGES, ROOT, blocks, commands

from monitor.cli import COMMANDS, build_parser
from monitor.wire.protocol import KINDS

SITE = ROOT / "docs"
GENERATED = {"reference/commands.md", "reference/settings.md", "reference/alarms.md"} | {
    *("reference/schemas.md", "reference/model-cards.md", "images/dashboard.svg"),
    *("about/contributing.md", "about/changelog.md", "about/security.md"),
}
"""Made when the site is built, whose strict build checks what links to them."""


def ids(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def anchors(path: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub and MkDocs make them for plain words."""
    text = re.sub(
        r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    words = [re.sub(r"[^\w\s-]", "", title.lower()).strip() for title in titles]
    return {re.sub(r"[\s-]+", "-", title) for title in words}


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(
        r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if target.is_relative_to(SITE) and target.relative_to(SITE).as_posix() in GENERATED:
            continue
        assert target.exists(), f"{path.name} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{path.name} links to {link}"


def test_the_readme_can_be_read_in_one_go() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert "Not a medical device" in "\n".join(lines[:15])


PARSER = functools.cache(build_parser)
SHOWN = [(path, words) for path in PAGES for words in commands(path)]


@pytest.mark.parametrize(
    ("path", "words"),
    [(p, w) for p, w in SHOWN if w[0] == "ecg-monitor"],
    ids=[f"{p.name}: {' '.join(w)}" for p, w in SHOWN if w[0] == "ecg-monitor"],
)
def test_commands_are_accepted(path: Path, words: list[str]) -> None:
    inline_name = len(words) == 2 and words[1] in COMMANDS  # a command that is named, not shown
    if inline_name:
        return
    if words[-1] in ("--help", "--version"):
        with pytest.raises(SystemExit) as stop:
            PARSER().parse_args(words[1:])
        assert stop.value.code == 0
    else:
        PARSER().parse_args(words[1:])


class Parsed(BaseException):
    """The arguments were accepted."""


@pytest.mark.parametrize(
    "words",
    [w for _, w in SHOWN if w[0] == "python"],
    ids=[f"{p.name}: {' '.join(w[2:])}" for p, w in SHOWN if w[0] == "python"],
)
def test_tools_accept_their_arguments(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool is started and stopped once it has read its arguments."""
    module, arguments = words[2], words[3:]
    parse = argparse.ArgumentParser.parse_args

    def stop_after(parser: argparse.ArgumentParser, *given: object, **named: object) -> None:
        parse(parser, *given, **named)  # type: ignore[call-overload]
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop_after)
    if (ROOT / module.replace(".", "/") / "__main__.py").exists():
        names = getattr(importlib.import_module(f"{module}.__main__"), "COMMANDS", None)
        if names is None:
            module += ".__main__"
        elif arguments[:1] == ["--help"]:
            return
        else:
            assert arguments[0] in names
            module, arguments = f"{module}.{arguments[0]}", arguments[1:]
    tool = importlib.import_module(module)
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises((Parsed, SystemExit)) as stop:
        tool.main(arguments) if tool.main.__code__.co_argcount else tool.main()
    if stop.type is SystemExit:
        assert stop.value.code == 0, words


def test_the_kinds_of_messages_are_all_named() -> None:
    text = (SITE / "reference/protocol.md").read_text(encoding="utf-8")
    (named,) = re.findall(r"Kinds: `([a-z\s]+)`", text)
    assert sorted(named.split()) == sorted(KINDS)


def test_examples_are_shown_in_the_documentation() -> None:
    shown = {match for path in PAGES for match in re.findall(r'8<-- "(.+)"', path.read_text())}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*.*")}
    assert shown == there - {"examples/README.md"}


def test_every_command_is_shown_with_its_arguments() -> None:
    """A page without one command would not be noticed otherwise."""
    shown = {words[1] for _, words in SHOWN if words[0] == "ecg-monitor" and len(words) > 2}
    assert set(COMMANDS) - {"watch", "models", "doctor"} <= shown | {"demo"}


def test_a_block_with_an_included_file_holds_its_text() -> None:
    (program,) = [b for b in blocks(SITE / "tutorials/subscriber.md") if b.title == "subscriber.py"]
    assert "zmq.SUB" in program.text
