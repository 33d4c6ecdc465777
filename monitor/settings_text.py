"""Settings as the text of a settings file: every key with its meaning and its origin."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.config import Settings

UNITS = "_s seconds, _mv millivolts, _bpm beats a minute, _hz hertz, _mb 1,000,000 bytes"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force; ``origin`` says who set it."""

    section: str
    name: str
    value: Any
    default: Any
    origin: str
    meaning: str


def settings_in_force(settings: Settings, origins: Mapping[str, str]) -> Iterator[Setting]:
    """Give every setting, in order; ``origins`` says who set a ``section.name``, if anybody."""
    for section in dataclasses.fields(settings):
        group = getattr(settings, section.name)
        for field in dataclasses.fields(group):
            origin = origins.get(f"{section.name}.{field.name}", "default")
            value = getattr(group, field.name)
            meaning = field.metadata["meaning"]
            yield Setting(section.name, field.name, value, field.default, origin, meaning)


def as_toml(settings: Settings, origins: Mapping[str, str]) -> str:
    """Give a settings file that, read again, is these settings."""
    lines = [f"# units stand in the names: {UNITS}"]
    section = ""
    for setting in settings_in_force(settings, origins):
        if setting.section != section:
            section = setting.section
            doc = (type(getattr(settings, section)).__doc__ or "").splitlines()[0]
            lines += ["", f"# {doc}", f"[{section}]"]
        notes = [setting.meaning]
        if setting.origin != "default":
            notes.append(f"set by {setting.origin}, default {_value(setting.default)}")
        lines.append(f"{setting.name} = {_value(setting.value)}  # {'; '.join(notes)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Give a text, number, truth or list of them as TOML, which is as JSON for these."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
