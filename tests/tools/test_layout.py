"""The packages of the tools stand in one order: an import goes down, and never round."""

import ast
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
# package -> what it may import of the others
BELOW = {
    "data": {"commands"},
    "train": {"commands", "confusion", "data"},
    "evaluate": {"commands", "confusion", "data", "train"},
    "load": {"commands", "evaluate"},
    "fuzz": set(),
    "generate": {"load"},
    "senders": set(),
    "commands": set(),
    "confusion": set(),
}


def modules():
    """Dotted name and path of every module."""
    for path in sorted(TOOLS.rglob("*.py")):
        parts = path.relative_to(TOOLS.parent).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def imported(path):
    """Names of the modules of the tools that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tools"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in KNOWN else node.module


KNOWN = dict(modules())


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "tools"])
def test_a_package_imports_only_those_below_it(name):
    package = name.split(".")[1]
    for other in imported(KNOWN[name]):
        assert other.split(".")[1] in BELOW[package] | {package}, f"{name} imports {other}"


def test_no_import_goes_round():
    waiting = {name: set(imported(path)) - {name} for name, path in KNOWN.items()}
    while waiting:
        ready = {name for name, needs in waiting.items() if not needs & waiting.keys()}
        assert ready, f"these import each other: {sorted(waiting)}"
        for name in ready:
            del waiting[name]
