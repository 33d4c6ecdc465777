"""From the name a user gives to the source it means.

========================  ==========================================================
``208``, ``mitdb/208``    a WFDB record, by path, in the data folder or at PhysioNet
``night.edf`` and others  an EDF, EDF+ or BDF file: ``.edf .rec .bdf``
``bed7.csv`` ``.txt`` ...  a text file, a sample a line
``-``                     the same on standard input, line by line as it comes
``lsl:NAME``              a Lab Streaming Layer stream; ``lsl:`` the only one of type ECG
``brainflow:BOARD``       a board by BrainFlow: ``brainflow:cyton?serial_port=/dev/ttyUSB0``
========================  ==========================================================

A library that one kind needs is imported when a source of that kind is opened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import USAGE, MonitorError
from monitor.messages import MAX_RATE_HZ, MIN_RATE_HZ
from monitor.sources.leads import AUTO, OFF
from monitor.sources.records import is_text

if TYPE_CHECKING:
    from monitor.sources import Say, Source
    from monitor.sources.calibration import Calibration

STANDARD_INPUT = "-"
LSL = "lsl:"
BRAINFLOW = "brainflow:"
EDF_SUFFIXES = (".edf", ".rec", ".bdf")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user may say about a source beside its name; each kind takes what it can use.

    ``rate_hz`` and ``unit`` are of signals that do not tell theirs; ``gain`` (ADC units in 1 mV)
    and ``baseline`` (ADC value of 0 mV) of signals that are in ADC units. ``pulse`` names the pulse
    waveform (see :func:`~monitor.sources.leads.choose_pulse`). Where ``shared``, the wish is for
    several recordings: what one of them cannot use is meant for others, and not refused.
    """

    leads: tuple[str, ...] = ()
    start_s: float = 0.0
    stop_s: float | None = None
    loop: bool = False
    stream: str | None = None
    rate_hz: float | None = None
    unit: str | None = None
    pulse: str = AUTO
    gain: float | None = None
    baseline: float | None = None
    shared: bool = False


def check(wish: Wish) -> None:
    """Refuse a wish that no source can fulfil.

    Raises
    ------
    MonitorError
        If values are out of range or contradict each other.
    """
    if wish.rate_hz is not None and not MIN_RATE_HZ <= wish.rate_hz <= MAX_RATE_HZ:
        raise MonitorError(
            f"--rate {wish.rate_hz:g}: must be {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz", USAGE
        )
    if wish.gain is not None and not 0 < abs(wish.gain) < math.inf:
        raise MonitorError(
            f"--gain {wish.gain:g}: must be the number of ADC units in 1 mV, for instance 200",
            USAGE,
        )
    if wish.baseline is not None and wish.gain is None:
        raise MonitorError("--baseline needs --gain, the number of ADC units in 1 mV", USAGE)
    if wish.baseline is not None and not math.isfinite(wish.baseline):
        raise MonitorError(f"--baseline {wish.baseline:g}: must be a number of ADC units", USAGE)
    if wish.gain is not None and wish.unit is not None:
        raise MonitorError("--gain and --unit say the same thing twice: use one of them", USAGE)


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
    check(wish)
    if name == STANDARD_INPUT:
        return _csv(None, wish, chunk_s, say)
    if isinstance(name, str) and is_live(name):
        _refuse(name, wish, "loop", "start_s", "stop_s", "rate_hz", "pulse")
        _, _, which = name.partition(":")
        if name.startswith(LSL):
            with _extra("lsl"):
                from monitor.sources.lsl_stream import LslStream
            return LslStream(which, wish.leads, _calibration(wish), chunk_s, wish.stream, say)
        _refuse(name, wish, "gain")
        with _extra("brainflow"):
            from monitor.sources.brainflow_board import BrainFlowBoard
        return BrainFlowBoard(which, wish.leads, wish.unit, chunk_s, wish.stream, say)
    path = Path(name)
    suffix = path.suffix.lower()
    if is_text(path):
        return _csv(path, wish, chunk_s, say)
    _refuse(path.name, wish, "rate_hz", "gain")
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
    from monitor.sources.csv_lines import CsvLines
    from monitor.sources.csv_table import Said

    said = Said(wish.rate_hz, wish.leads, _calibration(wish), wish.pulse)
    return CsvLines(path, said, chunk_s, wish.stream, say)


def _calibration(wish: Wish) -> Calibration:
    from monitor.sources.calibration import Calibration

    return Calibration(wish.unit, wish.gain, wish.baseline or 0.0, not wish.shared)


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
    "gain": "--gain",
}


def _refuse(name: str, wish: Wish, *fields: str) -> None:
    """Refuse options that mean nothing for a source of this kind: nothing is ignored.

    In a wish for several recordings they are meant for others among them.
    """
    for field in () if wish.shared else fields:
        if getattr(wish, field) not in (None, False, 0.0, AUTO, OFF):
            raise MonitorError(f"{_OPTIONS[field]} does not apply to {name}", USAGE)
