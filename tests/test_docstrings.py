"""The examples in docstrings are right, and the parameters that they describe are there."""

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def modules_with_examples():
    for folder in ("monitor", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(ROOT).with_suffix("").parts
                yield ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("name", [*modules_with_examples()])
def test_examples_give_what_they_say(name):
    module = importlib.import_module(name)
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def described(docstring):
    """Names under the heading "Parameters" of a numpydoc docstring."""
    part = re.search(
        r"^Parameters\n-+\n(.*?)(\n\n\S[^\n]*\n---|\Z)", docstring, re.DOTALL | re.MULTILINE
    )
    lines = part[1].splitlines() if part else []
    names = [line.split(":")[0] for line in lines if re.match(r"[\w, *]+(\s*:.*)?$", line)]
    return {
        name.strip(" *") for line in names if not line.startswith(" ") for name in line.split(",")
    }


def taken(node):
    """Names that a function takes, or a class when it is made."""
    if isinstance(node, ast.FunctionDef):
        given = node.args
        return {a.arg for a in (*given.args, *given.kwonlyargs, given.vararg, given.kwarg) if a}
    names = set()
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            names.add(part.target.id)
        elif isinstance(part, ast.FunctionDef) and part.name == "__init__":
            names |= taken(part)
    return names


@pytest.mark.parametrize("folder", ["monitor", "tools"])
def test_described_parameters_are_there(folder):
    wrong = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                missing = described(ast.get_docstring(node) or "") - taken(node)
                wrong += [f"{path}: {node.name} has no {name}" for name in sorted(missing)]
    assert wrong == []
