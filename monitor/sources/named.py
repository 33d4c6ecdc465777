"""From the name a user gives to the source it means.

========================  ==========================================================
``208``, ``mitdb/208``    a WFDB record, by path, in the data folder or at PhysioNet
``night.edf`` and others  an EDF, EDF+ or BDF file: ``.edf .rec .bdf``
``bed7.csv`` ``.tsv``     a CSV file
``-``                     CSV on standard input, line by line as it comes
``lsl:NAME``              a Lab Streaming Layer stream; ``lsl:`` the only one of type ECG
``brainflow:BOARD``       a board by BrainFlow: ``brainflow:cyton?serial_port=/dev/ttyUSB0``
========================  ==========================================================

A library that one kind needs is imported when a source of that kind is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import USAGE, MonitorError
from monitor.sources.leads import AUTO, OFF

if TYPE_CHECKING:
    from monitor.sources import Say, Source

STANDARD_INPUT = "-"
LSL = "lsl:"
BRAINFLOW = "brainflow:"
EDF_SUFFIXES = (".edf", ".rec", ".bdf")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user may say about a source beside its name; each kind takes what it can use.

    ``rate_hz`` and ``unit`` are of signals that do not tell theirs; ``pulse`` names the pulse
    waveform (see :func:`~monitor.sources.leads.choose_pulse`).
    """

    leads: tuple[str, ...] = ()
    start_s: float = 0.0
    stop_s: float | None = None
    loop: bool = False
    stream: str | None = None
    rate_hz: float | None = None
    unit: str | None = None
    pulse: str = AUTO


def is_live(name: str) -> bool:
    """Tell whether the source sets its own pace."""
    return name == STANDARD_INPUT or name.startswith((LSL, BRAINFLOW))


def open_source(name: str | Path, wish: Wish, chunk_s: float, say: Say) -> Source:
    """Open a live source by its name, or a recording by its path.

    Parameters
    ----------
    name
        For a recording, what :func:`~monitor.sources.records.find_record` gave.
    wish
        What else was asked for.
    chunk_s
        Length of the pieces it shall give (s); a live source may give shorter ones.
    say
        Takes remarks for the operator while the source runs.

    Raises
    ------
    MonitorError
        If it cannot be opened, or the wish does not fit it.
    """
    if name == STANDARD_INPUT:
        return _csv(None, wish, chunk_s, say)
    if isinstance(name, str) and is_live(name):
        _refuse(name, wish, "loop", "start_s", "stop_s", "rate_hz", "pulse")
        _, _, which = name.partition(":")
        if name.startswith(LSL):
            with _extra("lsl"):
                from monitor.sources.lsl_stream import LslStream
            return LslStream(which, wish.leads, wish.unit, chunk_s, wish.stream, say)
        with _extra("brainflow"):
            from monitor.sources.brainflow_board import BrainFlowBoard
        return BrainFlowBoard(which, wish.leads, wish.unit, chunk_s, wish.stream, say)
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _csv(path, wish, chunk_s, say)
    _refuse(path.name, wish, "rate_hz")
    if suffix in EDF_SUFFIXES:
        _refuse(path.name, wish, "loop")
        with _extra("edf"):
            from monitor.sources.edf_file import EdfFile
        return EdfFile(
            path,
            wish.leads,
            wish.start_s,
            wish.stop_s,
            chunk_s,
            wish.stream,
            wish.pulse,
            wish.unit,
            say,
        )
    from monitor.sources.wfdb_record import WfdbRecord

    return WfdbRecord(
        path,
        wish.leads,
        wish.start_s,
        wish.stop_s,
        chunk_s,
        wish.loop,
        wish.stream,
        wish.pulse,
        say,
        wish.unit,
    )


def _csv(path: Path | None, wish: Wish, chunk_s: float, say: Say) -> Source:
    name = STANDARD_INPUT if path is None else path.name
    _refuse(name, wish, "loop", "start_s", "stop_s")
    if wish.rate_hz is None:
        raise MonitorError(
            f"{name}: say the sampling rate of the lines, for instance --rate 250", USAGE
        )
    from monitor.sources.csv_lines import CsvLines

    return CsvLines(
        path, wish.rate_hz, wish.leads, wish.unit, chunk_s, wish.stream, say, wish.pulse
    )


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Tell which optional extra holds the package that an import inside misses."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MonitorError(
            f"this source needs the package {error.name}: pip install 'ecg-monitor[{name}]'", USAGE
        ) from error


_OPTIONS = {
    "start_s": "--start",
    "stop_s": "--stop",
    "loop": "--loop",
    "rate_hz": "--rate",
    "pulse": "--pulse",
}


def _refuse(name: str, wish: Wish, *fields: str) -> None:
    """Refuse options that mean nothing for a source of this kind: nothing is ignored."""
    for field in fields:
        if getattr(wish, field) not in (None, False, 0.0, AUTO, OFF):
            raise MonitorError(f"{_OPTIONS[field]} does not apply to {name}", USAGE)
