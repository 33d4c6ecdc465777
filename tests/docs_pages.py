"""What the documentation shows: its pages, their code blocks, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("monitor/**/*.md")]
    if "node_modules" not in path.parts
)
_FENCE = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^\1```$',
    re.MULTILINE | re.DOTALL,
)
_INCLUDE = re.compile(r'^ *--8<-- "(.+)"$', re.MULTILINE)
_REDIRECTION = re.compile(r"\d?(?:>>?|<)\s*\S+")


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    language: str
    title: str
    text: str


def blocks(path: Path) -> list[Block]:
    """Give the code blocks of a page, files that it includes put in."""

    def included(match: re.Match[str]) -> str:
        return (ROOT / match[1]).read_text(encoding="utf-8").rstrip("\n")

    text = path.read_text(encoding="utf-8")
    return [
        Block(m["language"], m["title"] or "", _INCLUDE.sub(included, m["text"]))
        for m in _FENCE.finditer(text)
    ]


def commands(path: Path) -> Iterator[list[str]]:
    """Give every command line of this program and of its tools that a page shows, as words."""
    lines = [
        line.removeprefix("$ ")
        for block in blocks(path)
        if block.language in ("sh", "console")
        for line in block.text.replace("\\\n", " ").splitlines()
    ]
    lines += [
        " ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(path).replace("\\|", "|"))
    ]
    for line in lines:
        for command in re.split(r"\s(?:\||&&|;)\s|\s&(?=\s|$)", line):
            try:
                words = shlex.split(_REDIRECTION.sub("", command), comments=True)
            except ValueError:  # inline code with an apostrophe: not a command
                continue
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            tool = words[:2] == ["python", "-m"] and words[2].startswith("tools.")
            if tool or (words[:1] == ["ecg-monitor"] and words[1:]):
                yield words


def prose(path: Path) -> str:
    """Give the text of a page without its code blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))
