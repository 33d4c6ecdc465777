"""Frozen dataclasses from TOML tables; an unknown key or a wrong type is an error. Pure."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

from monitor.errors import USAGE, MonitorError

T = TypeVar("T")


def require(condition: bool, key: str, rule: str) -> None:
    """Refuse a setting, in one line, unless the condition holds."""
    if not condition:
        raise MonitorError(f"setting {key}: {rule}", USAGE)


def setting(default: Any, meaning: str, low: float | None = None, high: float | None = None) -> Any:
    """Declare a setting: a dataclass field that knows its meaning and its range."""
    return dataclasses.field(
        default=default, metadata={"meaning": meaning, "low": low, "high": high}
    )


def check_ranges(group: Any, section: str) -> None:
    """Refuse the first setting of ``group`` that lies outside of its range."""
    for field in dataclasses.fields(group):
        low, high = field.metadata["low"], field.metadata["high"]
        if low is not None:
            require(
                low <= getattr(group, field.name) <= high,
                f"{section}.{field.name}",
                f"must lie in {low:g} to {high:g}",
            )


def build(kind: type[T], table: Any, prefix: str) -> T:
    """Make the dataclass ``kind`` from a TOML table, strictly; ``prefix`` names it in errors."""
    if not isinstance(table, dict):
        raise MonitorError(f"setting {prefix.rstrip('.')}: must be a table", USAGE)
    hints = typing.get_type_hints(kind)
    known = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise MonitorError(
                f"setting {prefix}{key} is not known; known here: {', '.join(known)}", USAGE
            )
    values = {key: _convert(hints[key], value, prefix + key) for key, value in table.items()}
    return kind(**values)


def _convert(hint: Any, value: Any, key: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type[Any], hint), value, key + ".")
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        hint = next(h for h in typing.get_args(hint) if h is not type(None))
        return _convert(hint, value, key)
    if origin is tuple:
        item = typing.get_args(hint)[0]
        require(isinstance(value, list), key, f"must be a list, not {_shown(value)}")
        return tuple(_convert(item, v, f"{key}[{i}]") for i, v in enumerate(value))
    if isinstance(value, int) and not isinstance(value, bool):
        # beyond it neither float() nor repr() works on every integer
        require(abs(value) < 2**63, key, "the number is out of range")
        if hint is float:
            return float(value)
    ok = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    require(ok, key, f"must be of type {hint.__name__}, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    try:
        return f"{value!r:.80}"
    except (ValueError, RecursionError):  # TOML has integers that Python will not write out
        return "what was given"
