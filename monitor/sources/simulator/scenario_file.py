"""Scenarios by name or from strict TOML files.

The keys of a file are the fields of :class:`Scenario`, :class:`Segment`, :class:`RhythmEvent`,
:class:`ScriptedBeat` and :class:`Fault`; an unknown, missing or wrongly typed key is an error::

    description = "sinus rhythm, one couplet, then an electrode comes off"

    [[segments]]
    rhythm = "sinus"
    duration_s = 30
    rate_bpm = 72

    [[segments.events]]
    at_s = 10
    kind = "pvc"
    count = 2

    [[faults]]
    kind = "lead_off"
    start_s = 20
    duration_s = 5
    leads = ["II"]
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

from monitor.errors import MonitorError
from monitor.sources.simulator.catalogue import SCENARIOS
from monitor.sources.simulator.scenario import Scenario
from monitor.strict_toml import build
from monitor.text_file import read_text_file


def scenario(name_or_path: str | Path) -> Scenario:
    """Give a built-in scenario by its name, or read one from a ``.toml`` file.

    Raises
    ------
    MonitorError
        If there is no such scenario, or the file is not a valid one.
    """
    if isinstance(name_or_path, str) and name_or_path in SCENARIOS:
        return SCENARIOS[name_or_path]
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise MonitorError(
            f"no scenario {str(name_or_path)!r}; give a .toml file or one of: "
            f"{', '.join(SCENARIOS)}"
        )
    try:
        table = tomllib.loads(read_text_file(path))
    except OSError as error:
        raise MonitorError(f"cannot read scenario {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise MonitorError(f"scenario {path} is not valid TOML: {error}") from error
    table.setdefault("name", path.stem)
    table.setdefault("description", "")
    try:
        _check_required(Scenario, table, "")
        return build(Scenario, table, "")
    except MonitorError as error:
        text = str(error).removeprefix("setting ")
        raise MonitorError(f"scenario {path}: {text}") from error


def _check_required(kind: type[Any], table: Any, prefix: str) -> None:
    """Find keys that are missing anywhere; wrong types are left to the strict builder."""
    if not isinstance(table, dict):
        return
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if item.name not in table:
            if item.default is dataclasses.MISSING:
                raise MonitorError(f"{prefix}{item.name} is missing")
            continue
        hint, value = hints[item.name], table[item.name]
        if isinstance(hint, types.GenericAlias) and isinstance(value, list):
            inner = typing.get_args(hint)[0]
            if dataclasses.is_dataclass(inner):
                for i, entry in enumerate(value):
                    _check_required(
                        typing.cast(type[Any], inner), entry, f"{prefix}{item.name}[{i}]."
                    )
