"""Open the source that the user names.

========================  ==========================================================
``208``, ``mitdb/208``    a WFDB record, by path, in the data folder or at PhysioNet
``night.edf`` and others  an EDF, EDF+ or BDF file: ``.edf .rec .bdf``
``bed7.csv`` ``.txt`` ...  a text file, a sample a line
``-``                     the same on standard input, line by line as it comes
``lsl:NAME``              a Lab Streaming Layer stream; ``lsl:`` the only one of type ECG
``brainflow:BOARD``       a board by BrainFlow: ``brainflow:cyton?serial_port=/dev/ttyUSB0``
========================  ==========================================================

A new kind is a function that opens it, and its suffix in :data:`FILES` or its prefix in
:data:`LIVE`. The library for a kind of source is imported when such a source is opened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import USAGE, MonitorError
from monitor.messages import MAX_RATE_HZ, MIN_RATE_HZ
from monitor.sources.leads import AUTO, OFF

if TYPE_CHECKING:
    from monitor.sources import Log, Source
    from monitor.sources.calibration import Calibration

STANDARD_INPUT = "-"

TEXTS = (".csv", ".tsv", ".txt", ".asc", ".log")
"""Suffixes of text files with one sample a line; so is a ``.dat`` without a WFDB header."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The options of a source that a user gives beside its name.

    ``rate_hz`` and ``unit`` are for signals that do not state theirs. ``gain`` (ADC units in 1 mV)
    and ``baseline`` (ADC value of 0 mV) are for signals in ADC units. ``pulse`` names the pulse
    waveform (see :func:`~monitor.sources.leads.choose_pulse`). With ``shared``, the options are for
    several recordings, and an option that one of them cannot use is not an error.
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


def check(options: SourceOptions) -> None:
    """Refuse options that no source can use.

    Raises
    ------
    MonitorError
        If values are out of range or contradict each other.
    """
    if options.rate_hz is not None and not MIN_RATE_HZ <= options.rate_hz <= MAX_RATE_HZ:
        raise MonitorError(
            f"--rate {options.rate_hz:g}: must be {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz", USAGE
        )
    if options.gain is not None and not 0 < abs(options.gain) < math.inf:
        raise MonitorError(
            f"--gain {options.gain:g}: must be the number of ADC units in 1 mV, for instance 200",
            USAGE,
        )
    if options.baseline is not None and options.gain is None:
        raise MonitorError("--baseline needs --gain, the number of ADC units in 1 mV", USAGE)
    if options.baseline is not None and not math.isfinite(options.baseline):
        raise MonitorError(f"--baseline {options.baseline:g}: must be a number of ADC units", USAGE)
    if options.gain is not None and options.unit is not None:
        raise MonitorError("--gain and --unit say the same thing twice: use one of them", USAGE)


def is_live(name: str) -> bool:
    """Tell whether the source sets its own pace."""
    return name == STANDARD_INPUT or name.startswith(tuple(LIVE))


def is_text(path: Path) -> bool:
    """Tell whether a recording from :func:`~monitor.sources.records.find_record` is a text file."""
    suffix = path.suffix.lower()
    if suffix in (*TEXTS, *FILES):
        return suffix in TEXTS
    return not Path(f"{path}.hea").is_file() and path.is_file()


def open_source(name: str | Path, options: SourceOptions, chunk_s: float, log: Log) -> Source:
    """Open a live source by its name, or a recording by its path.

    Parameters
    ----------
    name
        For a recording, what :func:`~monitor.sources.records.find_record` gave.
    options
        What the user says about the source.
    chunk_s
        Length of the pieces in seconds; a live source may give shorter ones.
    log
        Takes lines for the log while the source runs.

    Raises
    ------
    MonitorError
        If it cannot be opened, or the options do not fit it.
    """
    check(options)
    if name == STANDARD_INPUT:
        return _csv(None, options, chunk_s, log)
    if isinstance(name, str) and is_live(name):
        prefix, colon, _ = name.partition(":")
        return LIVE[prefix + colon](name, options, chunk_s, log)
    path = Path(name)
    if is_text(path):
        return _csv(path, options, chunk_s, log)
    return FILES.get(path.suffix.lower(), _wfdb)(path, options, chunk_s, log)


def _lsl(name: str, options: SourceOptions, chunk_s: float, log: Log) -> Source:
    _refuse(name, options, "loop", "start_s", "stop_s", "rate_hz", "pulse")
    with _extra("lsl"):
        from monitor.sources.lsl_stream import LslStream
    which = name.partition(":")[2]
    return LslStream(which, options.leads, _calibration(options), chunk_s, options.stream, log)


def _brainflow(name: str, options: SourceOptions, chunk_s: float, log: Log) -> Source:
    _refuse(name, options, "loop", "start_s", "stop_s", "rate_hz", "pulse", "gain")
    with _extra("brainflow"):
        from monitor.sources.brainflow_board import BrainFlowBoard
    which = name.partition(":")[2]
    return BrainFlowBoard(which, options.leads, options.unit, chunk_s, options.stream, log)


def _edf(path: Path, options: SourceOptions, chunk_s: float, log: Log) -> Source:
    _refuse(path.name, options, "rate_hz", "loop", "gain")
    with _extra("edf"):
        from monitor.sources.edf.file import EdfFile
    return EdfFile(
        path,
        options.leads,
        options.start_s,
        options.stop_s,
        chunk_s,
        options.stream,
        options.pulse,
        options.unit,
        log,
    )


def _wfdb(path: Path, options: SourceOptions, chunk_s: float, log: Log) -> Source:
    _refuse(path.name, options, "rate_hz")
    from monitor.sources.wfdb.record import WfdbRecord

    return WfdbRecord(
        path,
        options.leads,
        options.start_s,
        options.stop_s,
        chunk_s,
        options.loop,
        options.stream,
        options.pulse,
        log,
        _calibration(options),
    )


def _csv(path: Path | None, options: SourceOptions, chunk_s: float, log: Log) -> Source:
    name = STANDARD_INPUT if path is None else path.name
    _refuse(name, options, "loop", "start_s", "stop_s")
    from monitor.sources.text.columns import TextOptions
    from monitor.sources.text.source import CsvLines

    text = TextOptions(options.rate_hz, options.leads, _calibration(options), options.pulse)
    return CsvLines(path, text, chunk_s, options.stream, log)


LIVE: dict[str, Callable[[str, SourceOptions, float, Log], Source]] = {
    "lsl:": _lsl,
    "brainflow:": _brainflow,
}
"""What opens a live source, by the prefix of its name."""

FILES: dict[str, Callable[[Path, SourceOptions, float, Log], Source]] = {
    ".edf": _edf,
    ".rec": _edf,
    ".bdf": _edf,
}
"""What opens a recording in one file that is no text with a sample a line, by its suffix."""


def _calibration(options: SourceOptions) -> Calibration:
    from monitor.sources.calibration import Calibration

    return Calibration(options.unit, options.gain, options.baseline, not options.shared)


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Name the optional extra for a package that an import inside does not find."""
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


def _refuse(name: str, options: SourceOptions, *fields: str) -> None:
    """Refuse options that do not apply to this kind of source, unless they are shared."""
    for field in () if options.shared else fields:
        if getattr(options, field) not in (None, False, 0.0, AUTO, OFF):
            raise MonitorError(f"{_OPTIONS[field]} does not apply to {name}", USAGE)
