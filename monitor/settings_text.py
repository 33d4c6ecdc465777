"""Settings as the text of a settings file: every key with its meaning and where it comes from.

What a setting means is the comment behind its field in ``config``: it is said once.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.config import Settings

UNITS = "_s seconds, _mv millivolts, _bpm beats a minute, _hz hertz, _mb 1,000,000 bytes"
_FIELD = re.compile(r"    (\w+): [^#]*#\s*(.*)")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force; ``origin`` says who set it."""

    section: str
    name: str
    value: Any
    default: Any
    origin: str
    comment: str


def settings_in_force(settings: Settings, origins: Mapping[str, str]) -> Iterator[Setting]:
    """Give every setting, in order; ``origins`` names who set ``section.name``, if not we."""
    for section in dataclasses.fields(settings):
        group = getattr(settings, section.name)
        comments = _comments(type(group))
        for field in dataclasses.fields(group):
            origin = origins.get(f"{section.name}.{field.name}", "default")
            value = getattr(group, field.name)
            comment = comments.get(field.name, "")
            yield Setting(section.name, field.name, value, field.default, origin, comment)


def as_toml(settings: Settings, origins: Mapping[str, str]) -> str:
    """Give a settings file that, read again, is these settings."""
    lines = [f"# units stand in the names: {UNITS}"]
    section = ""
    for setting in settings_in_force(settings, origins):
        if setting.section != section:
            section = setting.section
            doc = (type(getattr(settings, section)).__doc__ or "").splitlines()[0]
            lines += ["", f"# {doc}", f"[{section}]"]
        notes = [setting.comment] if setting.comment else []
        if setting.origin != "default":
            notes.append(f"set by {setting.origin}, default {_value(setting.default)}")
        comment = f"  # {'; '.join(notes)}" if notes else ""
        lines.append(f"{setting.name} = {_value(setting.value)}{comment}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Give a text, number, truth or list of them as TOML, which is as JSON for these."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comments(kind: type[Any]) -> dict[str, str]:
    return {
        match[1]: match[2]
        for line in inspect.getsource(kind).splitlines()
        if (match := _FIELD.fullmatch(line))
    }
