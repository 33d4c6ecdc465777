"""Every kind of alarm has a rule, a source, limits that exist, and is documented."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from monitor.config import AlarmSettings
from monitor.messages import AlertKind, Priority
from monitor.stages.alarms.catalogue import CATALOGUE
from monitor.stages.alarms.stage import BEAT_RULES, HOP_RULES

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/alarms-and-limits.md"
OF_THE_SERVICE = {
    AlertKind.STREAM_STALE,
    AlertKind.STREAM_REFUSED,
    AlertKind.SENDER_CHANGED,
    AlertKind.SAMPLING_RATE,
    AlertKind.STORAGE_FAILED,
    AlertKind.PUBLISHER_FAILED,
    AlertKind.ANALYSIS_FAILED,
    AlertKind.ANALYSIS_LATE,
}
OF_THE_PULSE = {AlertKind.PULSE_CONTRADICTS}  # asked for where lethal alarms are withheld
LIMITS = {field.name for field in dataclasses.fields(AlarmSettings)}


def test_every_kind_is_asked_for_once() -> None:
    assert not HOP_RULES.keys() & BEAT_RULES.keys()
    assert HOP_RULES.keys() | BEAT_RULES.keys() == set(AlertKind) - OF_THE_SERVICE - OF_THE_PULSE


@pytest.mark.parametrize("kind", [*HOP_RULES, *BEAT_RULES])
def test_a_rule_says_what_it_rests_on(kind: AlertKind) -> None:
    rule = {**HOP_RULES, **BEAT_RULES}[kind]
    doc = inspect.getdoc(rule) or ""
    assert doc
    named = set(re.findall(r"``(\w+)``", doc))
    assert {name for name in named if "_" in name} <= LIMITS


def test_the_documentation_has_every_kind_with_its_priority() -> None:
    section = PAGE.read_text(encoding="utf-8").split("\n## The alarms\n")[1].split("\n## ")[0]
    told = {
        kind: row.split("|")[1].split(",")[0].strip()
        for row in section.splitlines()
        if row.startswith("| ")
        for kind in re.findall(r"`([a-z_]+)`", row)
    }
    assert told == {kind.value: entry.priority.value for kind, entry in CATALOGUE.items()}
    latching = {kind for kind, entry in CATALOGUE.items() if entry.latching}
    assert latching == {k for k, entry in CATALOGUE.items() if entry.priority is Priority.HIGH}
