"""The lock holds what the project asks for, and everything that installs reads it."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lowest import lowest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    assert rows == sorted(rows, key=str.upper)
    return {canonicalize_name(n): v for n, v in (row.split("==") for row in rows)}


def asked():
    extras = PROJECT["optional-dependencies"].values()
    texts = [*PROJECT["dependencies"], *(text for needs in extras for text in needs)]
    needs = [Requirement(text) for text in texts]
    return [need for need in needs if need.name != PROJECT["name"]]


def test_each_requirement_is_locked_within_its_range():
    versions = locked()
    for need in asked():
        assert need.specifier.contains(versions[canonicalize_name(need.name)]), str(need)
    assert PROJECT["name"] not in versions
    assert not any("+" in version for version in versions.values())


def test_the_lock_is_what_is_installed_from():
    makefile = (ROOT / "Makefile").read_text()
    for target in (".run-ready", ".dev-ready"):
        (rule,) = [r for r in makefile.split("\n\n") if r.startswith(f"$(VENV)/{target}:")]
        assert "constraints.txt" in rule.splitlines()[0]
        assert "$(LOCKED)" in rule.splitlines()[1]
    container = (ROOT / "tools" / "deploy" / "Containerfile").read_text()
    assert "PIP_CONSTRAINT=constraints.txt" in container


def test_the_lowest_versions_are_the_bounds():
    rows = dict(row.split("==") for row in lowest(PROJECT, "2.13.0"))
    assert rows["torch"] == "2.13.0"
    for need in asked():
        name = canonicalize_name(need.name)
        if name in rows and name != "torch":
            assert need.specifier.contains(rows[name])
    assert "numpy" in rows
    assert "pytest" not in rows
