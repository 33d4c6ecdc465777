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

Reference: WFDB Applications Guide (annotation codes); ANSI/AAMI EC57, 3.2.
"""

from __future__ import annotations

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


class WfdbAnnotations:
    """Collect events of one stream and write ``FOLDER/RECORD.ANNOTATOR``.

    Parameters
    ----------
    info
        The stream; its sampling rate is stored with the annotations.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._rows: list[tuple[int, str, int, int, str]] = []  # sample symbol subtype chan aux
        self._noise = 0
        self._in_fibrillation = False

    def add(self, event: Event) -> None:
        """Take one event; those that have no annotation are ignored."""
        match event:
            case Beat():
                self._rows.append((event.sample, event.label.value, 0, event.lead, ""))
            case Rhythm():
                self._add_rhythm(event)
            case Gap(kind=GapKind.HOLE) if event.length > HOLE_S * self._info.rate_hz:
                self._rows.append((event.sample, "~", self._noise | SHUTDOWN, 0, ""))
                self._rows.append((event.sample + event.length, "~", self._noise, 0, ""))
            case Quality():
                subtype = noise_subtype(event)
                if subtype != self._noise:
                    self._noise = subtype
                    self._rows.append((event.sample, "~", subtype, 0, ""))

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
        closing = []
        if self._in_fibrillation:
            closing.append((end_sample, "]", 0, 0, ""))
        if self._noise:
            closing.append((end_sample, "~", 0, 0, ""))
        rows = sorted([*self._rows, *closing], key=lambda row: row[0])
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

    def _add_rhythm(self, event: Rhythm) -> None:
        if self._in_fibrillation:
            self._rows.append((event.sample, "]", 0, 0, ""))
        self._rows.append((event.sample, "+", 0, 0, f"({event.name}"))
        self._in_fibrillation = event.name in FIBRILLATION
        if self._in_fibrillation:
            self._rows.append((event.sample, "[", 0, 0, ""))


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
