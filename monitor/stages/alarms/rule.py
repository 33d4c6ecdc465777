"""How a rule of the alarms is declared: a function, the kind it is about, and when it is asked."""

from __future__ import annotations

from collections.abc import Callable

from monitor.messages import AlertKind
from monitor.stages.alarms.engine import Finding
from monitor.stages.alarms.view import View

Rule = Callable[[View], Finding | None]
"""A pure function: gives the finding while the condition is present, else None."""

HOP_RULES: dict[AlertKind, Rule] = {}
BEAT_RULES: dict[AlertKind, Rule] = {}
WHILE_LEARNING: set[AlertKind] = set()
"""Beat rules that are asked while learning too; the others are not available then."""


def at_each_hop(kind: AlertKind) -> Callable[[Rule], Rule]:
    """Declare the rule of a kind; it is asked at every hop."""

    def declare(rule: Rule) -> Rule:
        HOP_RULES[kind] = rule
        return rule

    return declare


def at_each_beat(kind: AlertKind, while_learning: bool = False) -> Callable[[Rule], Rule]:
    """Declare the rule of a kind; it is asked at every labelled beat.

    Between beats the last answer stands, until the signal is unusable or there is no QRS for
    ``asystole_s``. That of a momentary condition does not: the engine holds it.
    """

    def declare(rule: Rule) -> Rule:
        BEAT_RULES[kind] = rule
        if while_learning:
            WHILE_LEARNING.add(kind)
        return rule

    return declare
