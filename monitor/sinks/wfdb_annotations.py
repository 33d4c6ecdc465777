"""Write events as a WFDB annotation file that any WFDB tool reads.

===========  =======================================================================
event        annotation
===========  =======================================================================
Beat         its AAMI class as the symbol: N, S, V, F, Q; chan is the lead
Rhythm       ``+`` with the name in aux (``(AFIB``); flutter and fibrillation are
             also bracketed by ``[`` and ``]``, as MIT-BIH does
Quality      ``~`` whose subtype tells the leads: bit 0 (1) is set while lead 0 (1) is
             noisy, bit 4 (5) as well while it is unreadable. Both bits 4 and 5 set is
             the shutdown of ANSI/AAMI EC57; while the signal is usable at most one is set
Gap          a hole of more than a second is a shutdown too
===========  =======================================================================

Scoring programs take the first annotation after the start of a shutdown as its end. So a shutdown
holds no annotations: rhythm changes move to its end, brackets are closed before it.

Reference: WFDB Applications Guide (annotation codes); ANSI/AAMI EC57, 3.2.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

from monitor.errors import MonitorError
from monitor.messages import Beat, Event, Gap, GapKind, LeadState, Quality, Rhythm, StreamInfo
from monitor.sinks.annotation_format import END, Row, beginning, encode

SHUTDOWN = 0x30
HOLE_S = 1.0
SETTLED_S = 30.0  # older annotations are not encoded again, unless an event comes later than this
FIBRILLATION = frozenset({"VFL", "VF", "VFIB"})
_UNREADABLE = frozenset(
    {LeadState.LEAD_OFF, LeadState.FLAT, LeadState.SATURATED, LeadState.INVALID}
)

Span = tuple[int, int]


class WfdbAnnotations:
    """Collects the events of one stream, and gives them as an annotation file at any time.

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
        self._settled = beginning(info.rate_hz)
        self._settled_row: Row | None = None
        self._settled_sample = 0  # all rows before it are settled

    def add(self, event: Event) -> None:
        """Take one event; events without an annotation are ignored."""
        match event:
            case Beat():
                row = (event.sample, event.label.value, 0, event.lead, "")
                insort(self._beats, row, key=itemgetter(0))
            case Rhythm():
                self._rhythms.append((event.sample, event.name))
            case Gap(kind=GapKind.HOLE) if event.length > HOLE_S * self._info.rate_hz:
                self._holes.append((event.sample, event.sample + event.length))
            case Quality():
                if self._noise and self._noise[-1][0] == event.sample:
                    self._noise.pop()
                self._noise.append((event.sample, noise_subtype(event)))
            case _:
                return
        if event.sample < self._settled_sample:  # encode everything again
            self._settled = beginning(self._info.rate_hz)
            self._settled_row, self._settled_sample = None, 0

    def encoded(self, end_sample: int) -> bytes:
        """Give the whole file, with annotations in order of time.

        A shutdown or a fibrillation that lasts to ``end_sample`` is closed there: scoring
        programs ignore an open one. ``end_sample`` must not become less from call to call.
        """
        rows = self._rows(end_sample, self._settled_sample)
        settled_sample = end_sample - round(SETTLED_S * self._info.rate_hz)
        settling = [row for row in rows if row[0] < settled_sample]
        if settling:
            self._settled += encode(settling, self._settled_row)
            self._settled_row, self._settled_sample = settling[-1], settled_sample
            rows = rows[len(settling) :]
        if not rows and self._settled_row is None:
            # a WFDB annotation file cannot be empty: write one comment
            rows = [(self._info.start_sample + 1, '"', 0, 0, "no beat found")]
        return self._settled + encode(rows, self._settled_row) + END

    def rows(self, end_sample: int) -> list[Row]:
        """Give all annotations in order of time, as :meth:`encoded` writes them."""
        return self._rows(end_sample, 0)

    def write(self, folder: Path, record: str, end_sample: int) -> Path:
        """Write the file, ``RECORD.mon``, as :meth:`encoded` gives it.

        Raises
        ------
        MonitorError
            If the folder cannot be written.
        """
        path = folder / f"{record}.mon"
        try:
            path.write_bytes(self.encoded(end_sample))
        except OSError as error:
            raise MonitorError(f"cannot write {path}: {error.strerror or error}") from error
        return path

    def _rows(self, end_sample: int, first_sample: int) -> list[Row]:
        """Give the annotations from ``first_sample`` on, in order of time."""
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
        changes = {}  # of several changes in one shutdown the last counts
        for sample, name in sorted(self._rhythms, key=lambda change: change[0]):
            span = _inside(sample, shutdowns)
            changes[span[1] if span else sample] = name
        rhythms = [(sample, "+", 0, 0, f"({name}") for sample, name in changes.items()]
        brackets: list[Row] = []
        for first, last in _cut(_fibrillation(changes, end_sample), shutdowns):
            brackets += [(first, "[", 0, 0, ""), (last, "]", 0, 0, "")]
        beats = self._beats[bisect_left(self._beats, first_sample, key=itemgetter(0)) :]
        rows = [row for row in (*brackets, *noise, *rhythms) if row[0] >= first_sample]
        rows += beats
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
    """Give the parts of ``spans`` outside ``holes``."""
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
    """Give the noise annotation's subtype for a quality.

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
