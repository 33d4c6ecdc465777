"""Turns our annotations of a recording back into events. Pure.

The reverse of :mod:`monitor.sinks.wfdb_annotations`, as far as annotations tell: they have no
probabilities, and of a lead's state only whether it was noisy or unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from monitor.messages import (
    AamiClass,
    Beat,
    Event,
    Gap,
    LeadState,
    Quality,
    Rhythm,
    StreamInfo,
)
from monitor.score import Annotations
from monitor.sinks.wfdb_annotations import HOLE_S, SHUTDOWN

Annotated: TypeAlias = Beat | Rhythm | Quality
FROM_RECORDING = "recording"
_LABELS = frozenset(label.value for label in AamiClass)


def events_of(table: Annotations, info: StreamInfo, start_sample: int) -> list[Annotated]:
    """Give the events of one annotation file whose first sample is ``start_sample``."""
    out: list[Annotated] = []
    for place, symbol, subtype, aux in zip(
        table.samples.tolist(), table.symbols, table.subtypes.tolist(), table.aux, strict=True
    ):
        sample = start_sample + place
        if symbol in _LABELS:
            label = AamiClass(symbol)
            n, s, v, f, q = (float(label is one) for one in AamiClass)
            out.append(
                Beat(info.stream, sample, sample, label, (n, s, v, f, q), None, 0, FROM_RECORDING)
            )
        elif symbol == "+":
            out.append(Rhythm(info.stream, sample, sample, aux.removeprefix("(")))
        elif symbol == "~":
            out.append(_quality(info, sample, subtype))
    return out


def with_intervals(
    stored: Iterable[Annotated], others: Sequence[Event], info: StreamInfo
) -> list[Annotated]:
    """Give the events in order, each beat with its RR interval, and no change that is none.

    A beat has no interval if the signal since the beat before was suspended or had a hole of more
    than a second.
    """
    holes = [gap for gap in others if isinstance(gap, Gap) and gap.length > HOLE_S * info.rate_hz]
    out: list[Annotated] = []
    last: int | None = None
    rhythm = ""
    usable = True
    waiting = sorted(holes, key=lambda gap: gap.sample, reverse=True)
    for event in sorted(stored, key=lambda one: one.sample):
        while waiting and waiting[-1].sample < event.sample:
            waiting.pop()
            last = None
        match event:
            case Beat():
                known = last is not None and usable
                rr_s = (event.sample - last) / info.rate_hz if known and last is not None else None
                out.append(replace(event, rr_s=rr_s))
                last = event.sample
            case Rhythm():
                if event.name != rhythm:  # each segment begins with the rhythm that lasts
                    out.append(event)
                rhythm = event.name
            case Quality():
                usable = event.usable
                last = last if usable else None
                out.append(event)
    return out


def _quality(info: StreamInfo, sample: int, subtype: int) -> Quality:
    states = []
    for lead in range(len(info.leads)):
        noisy, unreadable = (lead < 2 and subtype >> bit & 1 for bit in (lead, lead + 4))
        states.append(
            LeadState.INVALID
            if unreadable and noisy
            else LeadState.NOISY
            if noisy
            else LeadState.OK
        )
    usable = subtype & SHUTDOWN != SHUTDOWN
    return Quality(info.stream, sample, sample, tuple(states), usable)
