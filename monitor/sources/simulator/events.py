"""Events of the heart in seconds, independent of the sampling rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from monitor.messages import AamiClass
from monitor.sources.simulator.scenario import Fault, Segment

BEAT_CODES: dict[str, tuple[AamiClass, str]] = {
    "normal": (AamiClass.N, "N"),
    "lbbb": (AamiClass.N, "L"),
    "rbbb": (AamiClass.N, "R"),
    "pac": (AamiClass.S, "A"),
    "svt": (AamiClass.S, "S"),
    "junctional": (AamiClass.N, "j"),
    "pvc": (AamiClass.V, "V"),
    "escape": (AamiClass.V, "E"),
    "fusion": (AamiClass.F, "F"),
    "paced": (AamiClass.Q, "/"),
}
"""AAMI class and WFDB symbol of every kind of beat.

Junctional escape beats (``j``) count as N, as in de Chazal 2004 and most of the literature on
learned classifiers; EC57's own table puts them in S.
"""


@dataclass(frozen=True, slots=True)
class BeatEvent:
    """One ventricular activation, or (``kind`` "p") a P wave that is not conducted.

    ``time_s`` is the reference instant of the QRS (of the P wave); ``rr_s`` the interval that
    governs its QT; ``pr_s`` None means no P wave before it.
    """

    time_s: float
    kind: str
    segment: Segment
    rr_s: float
    pr_s: float | None = None
    form: int = 0
    gain: float = 1.0
    t_gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Background:
    """A continuous activity (``af``, ``flutter``, ``vflutter``, ``vf``) over an interval."""

    time_s: float
    end_s: float
    kind: str
    segment: Segment
    key: int  # seeds its noise


@dataclass(frozen=True, slots=True)
class RhythmChange:
    """The rhythm is ``name`` (WFDB, without the parenthesis) from ``time_s`` on."""

    time_s: float
    name: str


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """One occurrence of a fault."""

    time_s: float
    end_s: float
    fault: Fault
    key: int


TimelineEvent: TypeAlias = BeatEvent | Background | RhythmChange | FaultSpan
