"""Find the column of times in a CSV text, its unit and the sampling rate.

A column counts as time if its values rise steadily by the step of the sampling rate. A name alone
is not enough.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from monitor.messages import MAX_RATE_HZ, MIN_RATE_HZ
from monitor.sources.sample_clock import MOST_JITTER_S, REFUSED_DEVIATION
from monitor.sources.text.shape import looks_like_time, value_of

TESTED_ROWS = 10  # fewer give no reliable rate
STEADY = 0.8  # least share of usual steps; the others are lost samples
BACKWARD = 0.02  # largest share of backward steps: a clock set back, repeated samples
NEAR = 0.4  # of the usual step, since stamps may be rounded (2.78 ms as 3, 3, 2)
ROUND_HZ = 1e-3  # relative; a rate this near to a whole one is rounded to it
LEAST_HZ, MOST_HZ = (
    MIN_RATE_HZ / 2,
    MAX_RATE_HZ * 2,
)  # an error can name a wrong rate
_HALF_DAY_S, _DAY_S = 43_200.0, 86_400.0
_MINUTE_S = 61.0  # with a leap second
_COUNTER_SIZES = (16, 256, 65536, 2**32)
NEAR_THE_END = 0.9
_UNITS = (1.0, 1e-3, 1e-6, 1e-9)
_PARTS = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)(?:\s*([AaPp])[Mm])?")

Times = NDArray[np.float64]


class Form(Enum):
    """The form in which a time is written."""

    NUMBER = "number"
    DATE = "date and time"
    CLOCK = "time of day"
    COUNT = "counter"


class TimeReader:
    """Reads the times of one column, in seconds, in the order of the lines.

    ``factor`` is the seconds in one unit of a number. A time of day continues over midnight, and a
    counter over its largest number.
    """

    def __init__(self, form: Form, factor: float = 1.0) -> None:
        self.form = form
        self.factor = factor
        self._newest_s = -math.inf
        self._days_s = 0.0
        self._newest = -math.inf
        self._turns = 0.0
        self._size: float | None = None

    def read(self, text: str) -> float:
        """Read one time.

        Raises
        ------
        ValueError
            If it is not a time.
        """
        if self.form in (Form.NUMBER, Form.COUNT):
            value = value_of(text)
            if math.isnan(value):
                raise ValueError
            return (self._count(value) if self.form is Form.COUNT else value) * self.factor
        if self.form is Form.DATE:
            time = datetime.fromisoformat(text.replace(",", "."))
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        return self._clock(text)

    def _count(self, value: float) -> float:
        """Continue over the largest number of a counter of 4, 8, 16 or 32 bits."""
        if self._size is None and value < self._newest:
            size = next((float(s) for s in _COUNTER_SIZES if s > self._newest), math.inf)
            if self._newest >= NEAR_THE_END * size and self._newest - value > size / 2:
                self._size = size
        if self._size is not None:
            self._turns += self._size * (value < self._newest)
            self._newest = value
        self._newest = max(self._newest, value)
        return value + self._turns

    def _clock(self, text: str) -> float:
        match = _PARTS.search(text)
        if match is None:
            raise ValueError
        hours, minutes, seconds, half = match.groups()
        seconds_s = float(seconds.replace(",", "."))
        of_day = float(hours or 0) * 3600 + float(minutes) * 60 + seconds_s
        if seconds_s >= _MINUTE_S or not math.isfinite(of_day):
            raise ValueError
        if half:
            of_day += 12 * 3600 * (half in "Pp") - 12 * 3600 * (float(hours or 0) == 12)
        if of_day + self._days_s < self._newest_s - _HALF_DAY_S:
            self._days_s += _DAY_S
        self._newest_s = max(self._newest_s, of_day + self._days_s)
        return of_day + self._days_s


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of looking for times in a column; ``unused`` is the reason if it holds none.

    ``rate_hz`` is None if the column is too short. ``conflict`` means that the stamps have another
    rate than the stated one.
    """

    form: Form = Form.NUMBER
    factor: float = 1.0
    rate_hz: float | None = None
    unused: str = ""
    conflict: bool = False


def fit(fields: Sequence[str], factor: float | None, counts: bool, rate_hz: float | None) -> Fit:
    """Check whether the fields of a column are the times of consecutive samples.

    Parameters
    ----------
    fields
        Fields of the first lines.
    factor
        Seconds in one unit, if the name has a unit.
    counts
        Whether the column counts samples, by its name.
    rate_hz
        Sampling rate, if it is known.
    """
    form = _form(fields)
    if form is None:
        return Fit(unused="is no time")
    if form is not Form.NUMBER:
        factor = 1.0
    elif counts:
        if rate_hz is None:
            return Fit(unused="counts samples, which tells no rate")
        form, factor = Form.COUNT, 1.0 / rate_hz
    times = _times(fields, TimeReader(form))
    if len(times) < TESTED_ROWS:
        if factor is None and (factor := _guess(times, rate_hz)) is None:
            return Fit(unused="has no unit that can be told")
        return Fit(form, factor)
    steps = np.diff(times)
    if not steps.any():
        return Fit(unused="does not change")
    if np.mean(steps < 0) > BACKWARD:
        return Fit(unused="does not rise")
    measured = _measure(times, steps)
    if measured is None:
        return Fit(unused="does not rise with the samples")
    return _matched(form, measured, factor, rate_hz)


def _form(fields: Sequence[str]) -> Form | None:
    """Give the form of most fields."""
    some = fields[: 4 * TESTED_ROWS]
    if sum(_reads(field, Form.NUMBER) for field in some) * 2 > len(some):
        return Form.NUMBER
    for form in (Form.DATE, Form.CLOCK):
        fit = [looks_like_time(field) and _reads(field, form) for field in some]
        if sum(fit) * 2 > len(some):
            return form
    return None


def _reads(field: str, form: Form) -> bool:
    try:
        TimeReader(form).read(field)
    except (ValueError, OverflowError):
        return False
    return True


def _times(fields: Sequence[str], reader: TimeReader) -> Times:
    times = []
    for field in fields:
        try:
            times.append(reader.read(field))
        except (ValueError, OverflowError):
            continue
    return np.array(times)


def _guess(times: Times, rate_hz: float | None) -> float | None:
    """Guess the seconds in one unit from a few numbers and the rate."""
    if len(times) < 2 or rate_hz is None:
        return 1.0
    step = float(np.median(np.diff(times)))
    fits = (f for f in (*_UNITS, 1.0 / rate_hz) if abs(step * f * rate_hz - 1) <= NEAR)
    return next(fits, None)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Samples in one unit of the stamps; ``late`` is the largest delay, 0 for even stamps."""

    per_unit: float
    late: float = 0.0


def _measure(times: Times, steps: Times) -> _Measured | None:
    middle = float(np.median(steps))
    usual = steps[abs(steps - middle) <= NEAR * abs(middle)]
    if middle > 0 and len(usual) >= STEADY * len(steps):
        return _Measured(1.0 / float(usual.mean()))
    index = np.arange(len(times), dtype=np.float64)
    slope = float(np.polyfit(index, times - times[0], 1)[0])
    if slope <= 0:
        return None
    return _Measured(1.0 / slope, float(np.ptp(times - times[0] - slope * index)))


def _matched(form: Form, measured: _Measured, factor: float | None, rate_hz: float | None) -> Fit:
    """Find the unit that makes the stamps fit the rate."""
    tolerance = REFUSED_DEVIATION * (5 if measured.late else 1)
    units = (factor,) if factor else _UNITS
    told_hz = {unit: measured.per_unit / unit for unit in units}
    plausible = [u for u, hz in told_hz.items() if LEAST_HZ <= hz <= MOST_HZ]
    if rate_hz is not None:
        for unit in units if factor else (*units, 1.0 / rate_hz):
            if abs(measured.per_unit / unit / rate_hz - 1) > tolerance:
                continue
            if measured.late * unit > MOST_JITTER_S:
                return Fit(unused="comes in bursts")
            return Fit(form, unit, rate_hz)
    elif factor is None and abs(measured.per_unit - 1) < ROUND_HZ:
        return Fit(unused="rises by 1: milliseconds, or a counter?")
    if measured.late or not (factor or plausible):
        return Fit(unused="does not rise evenly, at the rate of the samples")
    unit = plausible[0] if plausible else units[0]
    return Fit(form, unit, round_rate(told_hz[unit]), conflict=rate_hz is not None)


def round_rate(rate_hz: float) -> float:
    """Round a measured rate to a whole one, if it is near.

    >>> round_rate(129.9987), round_rate(359.6), round_rate(62.5)
    (130.0, 359.6, 62.5)
    """
    whole = round(rate_hz)
    return float(whole) if abs(rate_hz / whole - 1) <= ROUND_HZ else float(f"{rate_hz:.6g}")
