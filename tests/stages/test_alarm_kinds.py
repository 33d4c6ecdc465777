"""Every kind of alarm has a rule, a source, and limits that exist."""

from __future__ import annotations

import dataclasses
import inspect
import re

import pytest

from monitor.config import AlarmSettings
from monitor.messages import AlertKind
from monitor.stages.alarms.rules import BEAT_RULES, HOP_RULES

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
OF_ALL_ALARMS = {
    *("off", "suspended_clear_s", "hold_s", "end_hold_s", "again_s", "update_s"),
    *("inhibit_low_s", "inhibit_medium_s", "v_certainty"),
}
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


def test_the_limits_of_an_alarm_are_named_by_a_rule() -> None:
    rules = [*HOP_RULES.values(), *BEAT_RULES.values()]
    named = {
        name for rule in rules for name in re.findall(r"``(\w+)``", inspect.getdoc(rule) or "")
    }
    assert named >= LIMITS - OF_ALL_ALARMS
