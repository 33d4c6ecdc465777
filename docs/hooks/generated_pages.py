"""Make the pages that the program itself can tell: commands, settings, alarms, schemas, cards.

MkDocs runs this file as a hook. Nothing it makes is kept in the repository.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import inspect
import json
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from monitor.cli import build_parser
from monitor.config import AlarmSettings, Settings
from monitor.messages import AlertKind
from monitor.settings_text import UNITS
from monitor.stages.alarms.rules import BEAT_RULES, HOP_RULES

WIDTH = 84  # columns of a usage line, as many as the page shows
ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
_ROLE = re.compile(r":\w+:<code>~?([\w.]+)</code>")
_LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and what they show to the files of the site."""
    pages: dict[str, Callable[[], str]] = {
        "reference/commands.md": commands,
        "reference/settings.md": settings,
        "reference/alarms.md": alarms,
        "reference/schemas.md": schemas,
        "reference/model-cards.md": lambda: _moved(MODELS / "README.md", "reference"),
        "about/contributing.md": lambda: _moved(ROOT / "CONTRIBUTING.md", "about"),
        "about/changelog.md": lambda: _moved(ROOT / "CHANGELOG.md", "about"),
        "about/security.md": lambda: _moved(ROOT / "SECURITY.md", "about"),
    }
    for name, make in pages.items():
        files.append(File.generated(config, name, content=make()))
    for picture in sorted((MODELS / "confusion").glob("*.svg")):
        name = f"reference/confusion/{picture.name}"
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    screenshot = ROOT / "monitor/dashboard/screenshot.svg"
    files.append(File.generated(config, "images/dashboard.svg", abs_src_path=str(screenshot)))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show the reStructuredText of docstrings as the names that are meant."""
    html = _ROLE.sub(lambda match: f"<code>{match[1].rsplit('.', 1)[-1]}</code>", html)
    return html.replace("::</p>", ":</p>")


def commands() -> str:
    """Give every command with its arguments, from the parsers."""
    parser = build_parser()
    parser.formatter_class = functools.partial(argparse.RawDescriptionHelpFormatter, width=WIDTH)  # type: ignore[assignment]
    lines = ["# Commands", "", "This page is made from the command line itself.", ""]
    lines += ["```text", parser.format_help().rstrip(), "```", ""]
    for name, command in _subcommands(parser):
        lines += _command(f"ecg-monitor {name}", command, 2)
    return "\n".join(lines)


def _command(title: str, parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    summary, _, _ = (parser.description or "").partition("\n")
    parser.formatter_class = functools.partial(argparse.HelpFormatter, width=WIDTH)  # type: ignore[assignment]
    yield from (f"{'#' * level} {title}", "", summary, "", "```text")
    yield from (parser.format_usage().rstrip(), "```", "")
    actions = [a for a in parser._actions if not isinstance(a, argparse._HelpAction)]
    rows = [a for a in actions if not isinstance(a, argparse._SubParsersAction)]
    if rows:
        yield from ("| argument | meaning |", "|---|---|", *map(_row, rows), "")
    example = (parser.epilog or "").removeprefix("example:\n")
    if example:
        yield from ("```sh", inspect.cleandoc(example), "```", "")
    for name, action in _subcommands(parser):
        yield from _command(f"{title} {name}", action, level + 1)


def _row(action: argparse.Action) -> str:
    value = (
        ""
        if action.nargs == 0
        else action.metavar
        or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    )
    if action.option_strings:
        name = ", ".join(f"{option} {value}".strip() for option in action.option_strings)
    else:
        name = str(action.metavar or action.dest)
    text = (action.help or "").replace("|", r"\|")
    many = " May be given several times." if isinstance(action, argparse._AppendAction) else ""
    return f"| `{name}` | {text}{many} |".replace("`` ", "`").replace("\n", " ")


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, sub in action.choices.items():
                sub.description = sub.description or helps.get(name)
                yield name, sub


def settings() -> str:
    """Give every setting with its default, range and meaning, from the dataclasses."""
    lines = [
        "# Settings",
        "",
        "A settings file is TOML: one table for each section below. Give it with `--config FILE`.",
        "`ecg-monitor config > settings.toml` writes all defaults, to begin with.",
        "`ecg-monitor config --check settings.toml` tells what is wrong with a file.",
        "An unknown key, a wrong type and a value out of range are errors.",
        "Options of a command win over the file.",
        "",
        f"Units stand in the names: {UNITS}.",
        "",
    ]
    for section in dataclasses.fields(Settings):
        group = getattr(Settings(), section.name)
        lines += ["", f"## `[{section.name}]`", "", _plain(inspect.getdoc(type(group)) or ""), ""]
        lines += ["| setting | default | range | meaning |", "|---|---|---|---|"]
        for field in dataclasses.fields(group):
            low, high = field.metadata["low"], field.metadata["high"]
            span = "" if low is None else f"{low:g} to {high:g}"
            default = json.dumps(field.default, ensure_ascii=False)
            meaning = field.metadata["meaning"].replace("|", "/")
            lines.append(f"| `{field.name}` | `{default}` | {span} | {meaning} |")
    return "\n".join([*lines, ""])


def alarms() -> str:
    """Give every kind of alarm: priority, default limits, criterion, and what it covers."""
    rules = {**HOP_RULES, **BEAT_RULES}
    criteria = {kind: inspect.getdoc(rule) or "" for kind, rule in rules.items()}
    lines = [
        "# Alarms",
        "",
        "This page is made from the kinds of alarms and from their rules. The order is that of",
        "severity. How alarms behave and how to change them:",
        "[alarms and limits](../how-to/alarms-and-limits.md).",
        "",
        "*Latching* alarms stay until they are acknowledged. *Momentary* conditions are shown for",
        "`hold_s`. While an alarm is present, the alarms that it *covers* are not announced.",
        "",
        "| alarm | priority | default limits |",
        "|---|---|---|",
    ]
    for kind in AlertKind:
        limits = ", ".join(
            f"`{name}` {value}" for name, value in _limits(criteria.get(kind, "")).items()
        )
        lines.append(f"| [`{kind}`](#{kind}) | {kind.priority} | {limits} |")
    for kind in AlertKind:
        words = [f"priority {kind.priority}"]
        words += ["latching"] if kind.latching else []
        words += ["momentary"] if kind.momentary else []
        lines += ["", f"## `{kind}`", "", f"*{', '.join(words)}*", ""]
        criterion = criteria.get(
            kind, "Raised by the service or by the pulse check, not by a rule."
        )
        lines.append(_plain(criterion))
        if kind.covers:
            covered = ", ".join(f"`{k}`" for k in AlertKind if k in kind.covers)
            lines += ["", f"Covers {covered}."]
    return "\n".join([*lines, ""])


def _limits(criterion: str) -> dict[str, str]:
    """Give the settings of the alarms that a criterion names, with their defaults."""
    named = re.findall(r"``(\w+)``", criterion)
    found = {name: getattr(AlarmSettings(), name) for name in named if hasattr(AlarmSettings, name)}
    return {n: value if isinstance(value, str) else f"{value:g}" for n, value in found.items()}


def _plain(docstring: str) -> str:
    """Give a docstring as Markdown: roles become names, double quotes become single ones."""
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", docstring)
    return text.replace("``", "`")


def schemas() -> str:
    """Give the JSON Schema of every message header."""
    lines = [
        "# Message schemas",
        "",
        "The header of every message is a JSON object. These are the JSON Schemas (draft 2020-12).",
        "They are made from the messages of the program by `python -m tools.generate.schemas`.",
        "What the messages are for: [wire protocol](protocol.md).",
        "",
    ]
    for path in sorted((ROOT / "monitor/wire/schemas").glob("*.json")):
        schema = path.read_text(encoding="utf-8")
        description = json.loads(schema).get("description", "")
        lines += [f"## {path.stem}", "", description, "", f'??? note "{path.name}"', ""]
        lines += ["    ```json", *(f"    {line}" for line in schema.splitlines()), "    ```", ""]
    return "\n".join(lines)


def _moved(path: Path, to: str) -> str:
    """Give a file of the repository as a page in the folder ``to``; links into docs/ stay right."""

    def moved(match: re.Match[str]) -> str:
        target = posixpath.relpath((path.parent / match[2]).resolve(), ROOT / "docs")
        if target.startswith("../"):  # not a page: left as it is, and checked by the build
            return match[0]
        return match[1] + posixpath.relpath(target, to) + match[3]

    return _LINK.sub(moved, path.read_text(encoding="utf-8"))
