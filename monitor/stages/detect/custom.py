"""Loads a user's own detector by its dotted path, and checks every R peak it gives.

Later stages rely on the contract of :class:`monitor.stages.Detector`: peaks out of order or in the
future would silently become beats in wrong places. So every peak is checked. A broken contract ends
the analysis with one line that names the detector.
"""

from __future__ import annotations

import importlib
import operator
import traceback
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from monitor.config import DetectSettings
from monitor.errors import USAGE, MonitorError
from monitor.messages import Quality, RPeak, Samples, StreamInfo
from monitor.stages import Detector

T = TypeVar("T")


class CustomDetector:
    """A user's own detector, for one stream.

    Parameters
    ----------
    path
        ``package.module:Class``; the class is made as ``Class(info, settings)``.
    info
        The stream.
    settings
        Passed to the class.

    Raises
    ------
    MonitorError
        If the class cannot be imported or made, or is no detector. Every method raises it too, if
        the detector raises an error or breaks the contract.
    """

    def __init__(self, path: str, info: StreamInfo, settings: DetectSettings) -> None:
        self._path = path
        self._info = info
        make = _imported(path)
        self._detector: Detector = self._call(lambda: make(info, settings))
        parts = ("push", "flush")
        missing = self._call(lambda: [name for name in parts if not hasattr(self._detector, name)])
        if missing:
            raise MonitorError(f"{path!r} is no detector: it has no {', '.join(missing)}", USAGE)
        self._end = info.start_sample
        self._signal_end = info.start_sample  # just past the last sample that is not NaN
        self._last: int | None = None

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop, give the R peaks that the detector decides now."""
        self._end = block.end_sample
        came = np.flatnonzero(np.isfinite(block.values_mv).any(axis=1))
        if len(came):
            self._signal_end = block.start_sample + int(came[-1]) + 1
        return self._checked(self._call(lambda: self._detector.push(block, quality)))

    def flush(self) -> list[RPeak]:
        """Give the R peaks still pending when the stream ends."""
        return self._checked(self._call(self._detector.flush))

    def _checked(self, peaks: object) -> list[RPeak]:
        if not isinstance(peaks, list | tuple):
            raise self._broken(f"it gave {type(peaks).__name__} in place of a list")
        return self._call(lambda: [self._peak(peak) for peak in peaks])

    def _peak(self, peak: object) -> RPeak:
        if not isinstance(peak, RPeak):
            raise self._broken(f"it gave {type(peak).__name__} in place of RPeak")
        try:
            sample, decided = operator.index(peak.sample), operator.index(peak.decided_sample)
        except TypeError as error:
            raise self._broken(
                f"an R peak has sample {peak.sample!r} and decided_sample "
                f"{peak.decided_sample!r}; both must be whole numbers"
            ) from error
        what = f"the R peak at sample {sample}"
        if self._last is not None and sample <= self._last:
            raise self._broken(f"{what} came after the one at {self._last}")
        if sample < self._info.start_sample:
            raise self._broken(f"{what} lies before the stream, {self._info.start_sample}")
        if not sample <= decided < self._end:
            raise self._broken(
                f"{what} has decided_sample {decided}; the last sample that had come was "
                f"{self._end - 1}"
            )
        if sample >= self._signal_end:
            raise self._broken(
                f"{what} lies behind the last one that had come, {self._signal_end - 1}; "
                "what is missing of a hop is NaN"
            )
        if peak.stream != self._info.stream or peak.lead not in range(len(self._info.leads)):
            raise self._broken(f"{what} is of stream {peak.stream!r}, lead {peak.lead}")
        self._last = sample
        return RPeak(peak.stream, sample, decided, peak.lead, peak.searched_back)

    def _broken(self, reason: str) -> MonitorError:
        return MonitorError(
            f"stream {self._info.stream}: detector {self._path!r} breaks its contract: {reason}"
        )

    def _call(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except MonitorError:
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f" (line {last.lineno} of {last.filename})"
            raise MonitorError(
                f"stream {self._info.stream}: detector {self._path!r} failed: "
                f"{_in_a_line(error)}{'' if last.filename == __file__ else where}"
            ) from error


def _imported(path: str) -> Callable[[StreamInfo, DetectSettings], Detector]:
    module, _, name = path.partition(":")
    try:
        found: Callable[[StreamInfo, DetectSettings], Detector] = getattr(
            importlib.import_module(module), name
        )
    except ModuleNotFoundError as error:
        raise MonitorError(
            f"cannot load detector {path!r}: {error}; a module of your own is found if its folder "
            "is in PYTHONPATH",
            USAGE,
        ) from error
    except Exception as error:
        raise MonitorError(f"cannot load detector {path!r}: {_in_a_line(error)}", USAGE) from error
    return found


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
