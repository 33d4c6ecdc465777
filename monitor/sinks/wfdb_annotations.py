"""Write events as a WFDB annotation file that any WFDB tool reads.

===========  =======================================================================
event        annotation
===========  =======================================================================
Beat         its AAMI class as the symbol: N, S, V, F, Q; chan is the lead
Rhythm       ``+`` with the name in aux (``(AFIB``); flutter and fibrillation are
             also bracketed by ``[`` and ``]``, as MIT-BIH does
Quality      ``~`` whose subtype tells the leads: bit 0 (1) is set while lead 0 (1) is
             noisy, bit 4 (5) as well while it is unreadable. Both bits 4 and 5 set is
             shutdown as ANSI/AAMI EC57 means it; while the signal is usable at most one is
Gap          a hole of more than a second is a shutdown too: nothing was there to analyse
===========  =======================================================================

Scoring programs take the first annotation after the start of a shutdown as its end. So nothing
is written inside one: rhythm changes move to its end, brackets are closed before it.

Reference: WFDB Applications Guide (annotation codes); ANSI/AAMI EC57, 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import wfdb

from monitor.errors import MonitorError
from monitor.messages import Beat, Event, Gap, GapKind, LeadState, Quality, Rhythm, StreamInfo

SHUTDOWN = 0x30
HOLE_S = 1.0
FIBRILLATION = frozenset({"VFL", "VF", "VFIB"})
_UNREADABLE = frozenset(
    {LeadState.LEAD_OFF, LeadState.FLAT, LeadState.SATURATED, LeadState.INVALID}
)

Span = tuple[int, int]
Row = tuple[int, str, int, int, str]  # sample, symbol, subtype, chan, aux


class WfdbAnnotations:
    """Collect events of one stream and write ``FOLDER/RECORD.ANNOTATOR``.

    Parameters
    ----------
    info
        The stream; its sampling rate is stored with the annotations.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._beats: list[Row] = []
        self._rhythms: list[tuple[int, str]] = []
        self._noise: list[tuple[int, int]] = []  # sample, subtype from there on
        self._holes: list[Span] = []

    def add(self, event: Event) -> None:
        """Take one event; those that have no annotation are ignored."""
        match event:
            case Beat():
                self._beats.append((event.sample, event.label.value, 0, event.lead, ""))
            case Rhythm():
                self._rhythms.append((event.sample, event.name))
            case Gap(kind=GapKind.HOLE) if event.length > HOLE_S * self._info.rate_hz:
                self._holes.append((event.sample, event.sample + event.length))
            case Quality():
                if self._noise and self._noise[-1][0] == event.sample:
                    self._noise.pop()
                self._noise.append((event.sample, noise_subtype(event)))

    def write(self, folder: Path, record: str, end_sample: int, annotator: str = "mon") -> Path:
        """Write the file; annotations are put in order of time.

        A shutdown or a fibrillation that lasts to ``end_sample`` is closed there: scoring
        programs ignore an open one.

        Raises
        ------
        MonitorError
            If the folder cannot be written.
        """
        path = folder / f"{record}.{annotator}"
        rows = self._rows(end_sample)
        if not rows:  # a WFDB annotation file cannot be empty: say that nothing is known
            rows = [(self._info.start_sample + 1, '"', 0, 0, "no beat found")]
        try:
            wfdb.wrann(
                record,
                annotator,
                np.array([row[0] for row in rows], np.int64),
                [row[1] for row in rows],
                subtype=np.array([row[2] for row in rows], np.int64),
                chan=np.array([row[3] for row in rows], np.int64),
                aux_note=[row[4] for row in rows],
                fs=self._info.rate_hz,
                write_dir=str(folder),
            )
        except OSError as error:
            raise MonitorError(f"cannot write {path}: {error.strerror or error}") from error
        return path

    def _rows(self, end_sample: int) -> list[Row]:
        shutdowns = _merge([*self._holes, *_shutdowns(self._noise, end_sample)])
        noise: list[Row] = []
        before = 0
        for sample, subtype in self._noise:
            if subtype != before and subtype & SHUTDOWN != SHUTDOWN:
                noise += [] if _inside(sample, shutdowns) else [(sample, "~", subtype, 0, "")]
            before = subtype
        for first, last in shutdowns:
            noise.append((first, "~", self._subtype_at(first) | SHUTDOWN, 0, ""))
            after = self._subtype_at(last) if last < end_sample else 0
            noise.append((last, "~", after, 0, ""))
        if self._noise and self._noise[-1][1] and (not shutdowns or shutdowns[-1][1] < end_sample):
            noise.append((end_sample, "~", 0, 0, ""))
        changes = {}  # where a shutdown holds several changes, the last one counts
        for sample, name in sorted(self._rhythms, key=lambda change: change[0]):
            span = _inside(sample, shutdowns)
            changes[span[1] if span else sample] = name
        rhythms = [(sample, "+", 0, 0, f"({name}") for sample, name in changes.items()]
        brackets: list[Row] = []
        for first, last in _cut(_fibrillation(changes, end_sample), shutdowns):
            brackets += [(first, "[", 0, 0, ""), (last, "]", 0, 0, "")]
        rows = [*brackets, *noise, *rhythms, *self._beats]
        order = {"]": 0, "~": 1, "+": 2, "[": 3}
        return sorted(_distinct(rows), key=lambda row: (row[0], order.get(row[1], 4)))

    def _subtype_at(self, sample: int) -> int:
        return next((s for at, s in reversed(self._noise) if at <= sample), 0)


def _shutdowns(noise: Iterable[tuple[int, int]], end_sample: int) -> Iterable[Span]:
    start = None
    for sample, subtype in noise:
        off = subtype & SHUTDOWN == SHUTDOWN
        if off and start is None:
            start = sample
        elif not off and start is not None:
            yield start, sample
            start = None
    if start is not None:
        yield start, end_sample


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _inside(sample: int, spans: Iterable[Span]) -> Span | None:
    return next((span for span in spans if span[0] <= sample < span[1]), None)


def _fibrillation(changes: dict[int, str], end_sample: int) -> Iterable[Span]:
    samples = [*changes, end_sample]
    for i, name in enumerate(changes.values()):
        if name in FIBRILLATION:
            yield samples[i], samples[i + 1]


def _cut(spans: Iterable[Span], holes: Iterable[Span]) -> Iterable[Span]:
    """Give what of ``spans`` lies outside ``holes``."""
    for first, last in spans:
        at = first
        for start, stop in holes:
            if start < last and stop > at:
                if start > at:
                    yield at, start
                at = stop
        if at < last:
            yield at, last


def _distinct(rows: Iterable[Row]) -> list[Row]:
    return list(dict.fromkeys(rows))


def noise_subtype(quality: Quality) -> int:
    """Subtype of the noise annotation that says what ``quality`` says.

    >>> ok, off = LeadState.OK, LeadState.LEAD_OFF
    >>> noise_subtype(Quality("s", 0, 90, (ok, ok), True))
    0
    >>> hex(noise_subtype(Quality("s", 0, 90, (off, ok), True)))
    '0x11'
    >>> hex(noise_subtype(Quality("s", 0, 90, (off,), False)))
    '0x31'
    """
    subtype = 0
    for lead, state in enumerate(quality.leads[:2]):
        if state is not LeadState.OK:
            subtype |= 1 << lead
        if state in _UNREADABLE:
            subtype |= 1 << (4 + lead)
    if not quality.usable:
        return subtype | SHUTDOWN
    if subtype & SHUTDOWN == SHUTDOWN:  # usable thanks to a third lead
        subtype &= ~SHUTDOWN
    return subtype
