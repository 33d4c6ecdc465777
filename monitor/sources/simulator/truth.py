"""Reference annotations of the simulated patient, by sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.messages import AamiClass


@dataclass(frozen=True, slots=True)
class TrueBeat:
    """A heart beat: ``sample`` is the extremum of the dominant QRS deflection, first lead.

    The extremum is taken before electrode and equipment faults. ``symbol`` is WFDB's; ``form``
    tells ventricular morphologies apart.
    """

    sample: int
    label: AamiClass
    symbol: str
    form: int = 0


@dataclass(frozen=True, slots=True)
class TrueRhythm:
    """The rhythm is ``name`` (as WFDB writes it, without the parenthesis) from ``sample`` on."""

    sample: int
    name: str


@dataclass(frozen=True, slots=True)
class TrueEpisode:
    """Something over [sample, end_sample): ``vf``, ``vflutter``, or a fault by its kind.

    ``leads`` are the columns a fault concerns; empty for the heart's own episodes.
    """

    sample: int
    end_sample: int
    kind: str
    leads: tuple[int, ...] = ()


TruthItem: TypeAlias = TrueBeat | TrueRhythm | TrueEpisode


@dataclass(slots=True)
class Truth:
    """Truth collected so far, each list in order of ``sample``."""

    beats: list[TrueBeat] = field(default_factory=list)
    rhythms: list[TrueRhythm] = field(default_factory=list)
    episodes: list[TrueEpisode] = field(default_factory=list)

    def add(self, items: tuple[TruthItem, ...]) -> None:
        """Sort items into the three lists."""
        for item in items:
            if isinstance(item, TrueBeat):
                self.beats.append(item)
            elif isinstance(item, TrueRhythm):
                self.rhythms.append(item)
            else:
                self.episodes.append(item)
