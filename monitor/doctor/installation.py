"""Check Python and the packages that the monitor needs."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from monitor import __version__
from monitor.doctor.finding import Finding, fail, ok, warn

LEAST_PYTHON = (3, 11)
NOT_FOR_USERS = frozenset({"dev", "bench"})
INSTALL = "install the program again: pip install ecg-monitor"


def check_python() -> Iterator[Finding]:
    """Check the version of Python."""
    text = f"Python {platform.python_version()}, ecg-monitor {__version__}, {platform.platform()}"
    if sys.version_info < LEAST_PYTHON:
        yield fail("python", text, "use Python 3.11 or newer")
    else:
        yield ok("python", text)


def check_packages() -> Iterator[Finding]:
    """Check the required packages, and list the optional extras."""
    try:
        wanted = [Requirement(text) for text in metadata.requires("ecg-monitor") or []]
    except metadata.PackageNotFoundError:
        yield warn("packages", "the program runs from its source, not installed", INSTALL)
        return
    missing = [problem for need in wanted if need.marker is None and (problem := _problem(need))]
    needed = sum(need.marker is None for need in wanted)
    if missing:
        yield fail("packages", "; ".join(missing), INSTALL)
    else:
        yield ok("packages", f"all {needed} there, in versions that fit")
    extras = sorted({*(metadata.metadata("ecg-monitor").get_all("Provides-Extra") or [])})
    for extra in extras:
        if extra in NOT_FOR_USERS:
            continue
        needs = [
            need
            for need in wanted
            if need.marker is not None
            and need.marker.evaluate({"extra": extra})
            and not need.marker.evaluate({"extra": ""})
        ]
        absent = [problem for need in needs if (problem := _problem(need))]
        if not absent:
            names = ", ".join(f"{need.name} {metadata.version(need.name)}" for need in needs)
            yield ok(f"extra {extra}", names)
        elif any("needs" in problem for problem in absent):
            remedy = f"pip install 'ecg-monitor[{extra}]'"
            yield warn(f"extra {extra}", "; ".join(absent), remedy)
        else:
            yield ok(f"extra {extra}", f"not installed (pip install 'ecg-monitor[{extra}]')")


def _problem(need: Requirement) -> str:
    """Describe what is wrong with a package; empty if it is right."""
    try:
        version = metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return f"{need.name} is missing"
    if not need.specifier.contains(version, prereleases=True):
        return f"{need.name} is {version}, needs {need.specifier}"
    return ""
