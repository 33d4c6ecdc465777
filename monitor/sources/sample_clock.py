"""Turn time stamps into sample indices; find gaps, delays, repeated samples and drift.

Rules that hold here:

1. Pure: only the stamps and the order of samples count, not the clock of this machine. The size
   of the pieces does not change the result.
2. No sample is moved, invented or averaged. A loss is a jump of the index. The rate of the device
   is measured; a deviation is reported, and a large one is an error.
3. After a delay the samples catch up; after a loss they do not, and the index jumps. Samples are
   held back only for this decision.

This file is long because gap, delay, repetition and drift are decided together.
"""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.messages import FloatArray

START_S = 1.0  # of stamps that are checked before the first sample is given
REFUSED_DEVIATION = 0.02  # from the announced rate; more is another rate, not drift
DRIFT_SAID = 0.0005  # smaller deviations are not logged
MOST_JITTER_S = 0.1  # a later stamp is a delay or a loss, even if stamps are uneven
LEAST_JITTER_SAMPLES = 1.5
HOLD_S = 0.5  # of signal that does not catch up turns a delay into a loss
CATCHES_UP = 0.1  # least speed of catching up, in seconds a second
BUCKET_S = 0.25
JITTER_BUCKETS = 20  # 5 s
RATE_BUCKETS = 8  # 2 s make one reading of the rate
SHORT_READINGS, LONG_READINGS = 6, 31  # 10 s and 60 s
MANY_GAPS, GAPS_WITHIN_S = 5, 10.0
DOUBLES_S = 30.0  # memory for repeated samples

Times = NDArray[np.float64]
Counts = NDArray[np.int64]
Run = tuple[int, FloatArray]
"""Index of the first sample, and consecutive samples, shape (n, leads)."""


class SampleClock:
    """Assigns indices to the samples of one stamped stream.

    Parameters
    ----------
    stream
        Name, for errors.
    rate_hz
        The announced rate; indices count at this rate.
    """

    def __init__(self, stream: str, rate_hz: float) -> None:
        self._stream = stream
        self._rate_hz = rate_hz
        self._start_samples = max(2, round(START_S * rate_hz))
        self._bucket_samples = max(1, round(BUCKET_S * rate_hz))
        self._hold_samples = max(2, round(HOLD_S * rate_hz))
        self._started = False
        self._held_s: Times = np.empty(0)
        self._held: FloatArray | None = None
        self._held_lost: Counts = np.empty(0, np.int64)
        self._origin_s = 0.0
        self._next = 0
        self._accepted = 0
        self._newest_s = -np.inf
        self._bucket: list[float] = []  # late by (s), of the samples of the bucket now filling
        self._spans: deque[tuple[float, float]] = deque(maxlen=JITTER_BUCKETS)
        self._floors: list[float] = []
        self._readings: deque[tuple[float, float]] = deque(maxlen=LONG_READINGS)
        self._gaps: deque[int] = deque(maxlen=MANY_GAPS)
        self._steps: deque[float] = deque(maxlen=self._start_samples)
        self._seen: set[tuple[float, bytes]] = set()
        self._order: deque[tuple[float, bytes]] = deque()
        self._said_deviation = 0.0
        self._notes: list[str] = []
        self.doubles = 0
        self.deviation: float | None = None

    def push(self, times_s: Times, values_mv: FloatArray, lost: Counts | None = None) -> list[Run]:
        """Take stamped samples in order of arrival; give those whose index is certain.

        Parameters
        ----------
        times_s
            Stamp of each sample.
        values_mv
            Shape (n, leads).
        lost
            Missing samples before each sample, by a counter of the device.

        Raises
        ------
        MonitorError
            If the stamps belong to another sampling rate than the announced one.
        """
        if lost is None:
            lost = np.zeros(len(times_s), np.int64)
        if self._held is not None:
            values_mv = np.concatenate([self._held, values_mv])
        self._held_s, self._held = np.concatenate([self._held_s, times_s]), values_mv
        self._held_lost = np.concatenate([self._held_lost, lost])
        times_s = self._held_s
        if not self._started:
            if len(times_s) < self._start_samples:
                return []
            self._start()
        return self._decide(last=False)

    def flush(self) -> list[Run]:
        """Give the samples that were held back: no more will come."""
        if not len(self._held_s):
            return []
        if not self._started:
            self._start()
        return self._decide(last=True)

    def notes(self) -> list[str]:
        """Give the new remarks for the operator, one line each."""
        notes, self._notes = self._notes, []
        return notes

    def _start(self) -> None:
        self._started = True
        self._check_steps(np.diff(self._held_s))
        late = self._held_s - self._index(self._held_lost) / self._rate_hz
        first = late[: self._start_samples]
        self._origin_s = float(first[0])
        self._spans.append((float(first.min() - first[0]), float(first.min() - first[0])))

    def _check_steps(self, steps_s: Times) -> None:
        """Refuse stamps whose regular distance belongs to another rate."""
        if not len(steps_s):
            return
        quarter, middle, three = np.quantile(steps_s, [0.25, 0.5, 0.75])
        if middle <= 0 or three - quarter > 0.2 * middle:
            return  # stamped on arrival, in bursts: the count over time will tell
        # of stamps that were rounded (2.78 ms as 3, 3, 2) the mean tells, but not over losses
        usual = steps_s[abs(steps_s - middle) < 0.4 * middle]
        if abs(float(steps_s.mean()) * self._rate_hz - 1) > REFUSED_DEVIATION:
            self._refuse(1.0 / float(usual.mean()))

    def _refuse(self, measured_hz: float) -> None:
        if abs(measured_hz / self._rate_hz - 1) > REFUSED_DEVIATION:
            raise MonitorError(
                f"stream {self._stream}: announced at {self._rate_hz:g} Hz, but its time stamps "
                f"say {measured_hz:.4g} Hz; put the rate (or the unit of time) right"
            )

    def _decide(self, last: bool) -> list[Run]:
        times_s, values, lost = self._held_s, self._held, self._held_lost
        if values is None:
            return []
        runs: list[Run] = []
        at = 0
        while at < len(times_s):
            room = self._bucket_samples - len(self._bucket)
            floor_s, jitter_s = self._floor_and_jitter()
            stop = min(at + room, len(times_s))
            late_s = self._late(times_s[at:stop], lost[at:stop]) - floor_s
            before_s = np.concatenate([[self._newest_s], times_s[at : stop - 1]])
            not_newer = times_s[at:stop] <= np.maximum.accumulate(before_s)
            back = not_newer & (late_s < -0.5 / self._rate_hz)
            odd = np.flatnonzero((late_s > jitter_s) | back)
            good = int(odd[0]) if len(odd) else stop - at
            if back[0]:
                good = self._judge_back(float(times_s[at]), values[at], float(late_s[0]), jitter_s)
                at += not good
            if good:
                part = slice(at, at + good)
                self._accept(runs, times_s[part], values[part], lost[part])
                at += good
            if good or back[0]:
                continue
            caught = self._settle(times_s[at:], lost[at:], floor_s, jitter_s, last)
            if caught is None:
                break
            if caught:
                part = slice(at, at + caught)
                self._accept(runs, times_s[part], values[part], lost[part], late=True)
            at += caught
        self._held_s, self._held, self._held_lost = times_s[at:], values[at:], lost[at:]
        return runs

    def _index(self, lost: Counts) -> Counts:
        """Index of the next samples, if only the known ones are missing."""
        return self._next + np.arange(len(lost)) + np.cumsum(lost)

    def _late(self, times_s: Times, lost: Counts) -> Times:
        return times_s - self._origin_s - self._index(lost) / self._rate_hz

    def _floor_and_jitter(self) -> tuple[float, float]:
        """Least delay of the last seconds, and the usual jitter above it."""
        floor_s = min(low for low, _ in self._spans)
        if len(self._spans) < JITTER_BUCKETS // 2:
            return floor_s, MOST_JITTER_S
        spread_s = max(high for _, high in self._spans) - floor_s
        least_s = LEAST_JITTER_SAMPLES / self._rate_hz
        return floor_s, min(max(2.0 * spread_s, least_s), MOST_JITTER_S)

    def _settle(
        self, times_s: Times, lost: Counts, floor_s: float, jitter_s: float, last: bool
    ) -> int | None:
        """Decide whether late samples are delayed or follow a loss.

        Gives the number of samples that continue without a break, 0 after a jump over a loss, or
        None if later samples must decide.
        """
        late_s = self._late(times_s, lost) - floor_s
        lowest = np.minimum.accumulate(late_s)
        caught = np.flatnonzero(late_s <= jitter_s)
        hold = self._hold_samples
        stays = hold + np.flatnonzero(lowest[hold:] > lowest[:-hold] - CATCHES_UP * HOLD_S)
        if len(caught) and not (len(stays) and stays[0] < caught[0]):
            return int(caught[0])
        if len(stays):
            gap_s = float(lowest[stays[0]])
        elif last:
            gap_s = float(lowest[-1])
        else:
            return None
        self._next += max(1, round(gap_s * self._rate_hz))
        self._gaps.append(self._accepted)
        self._check_gaps()
        return 0

    def _check_gaps(self) -> None:
        """Check the rate after many losses: even stamps then mean another rate."""
        if (
            len(self._gaps) == MANY_GAPS
            and self._gaps[-1] - self._gaps[0] < GAPS_WITHIN_S * self._rate_hz
        ):
            self._check_steps(np.asarray(self._steps))

    def _judge_back(self, time_s: float, row: FloatArray, late_s: float, jitter_s: float) -> int:
        """Judge a sample that is not newer than the last: 0 if it is a repeat, else 1.

        A new sample far back means that the clock was set back; the signal continues from here.
        """
        if (time_s, row.tobytes()) in self._seen:
            self.doubles += 1
            return 0
        if late_s < -jitter_s:
            back_s = self._newest_s - time_s
            self._notes.append(f"the source's clock was set back by {back_s:.3f} s")
            self._origin_s += late_s
            self._newest_s = -np.inf
        return 1

    def _accept(
        self,
        runs: list[Run],
        times_s: Times,
        values: FloatArray,
        lost: Counts,
        late: bool = False,
    ) -> None:
        late_s, index = self._late(times_s, lost), self._index(lost)
        breaks = [0, *(np.flatnonzero(lost[1:]) + 1).tolist(), len(values)]
        for begin, end in itertools.pairwise(breaks):
            start, part = int(index[begin]), values[begin:end]
            if runs and runs[-1][0] + len(runs[-1][1]) == start:
                start, before = runs.pop()
                part = np.concatenate([before, part])
            runs.append((start, part))
        self._steps.extend(np.diff(times_s).tolist())
        self._next = int(index[-1]) + 1
        self._accepted += len(values)
        self._newest_s = max(self._newest_s, float(times_s.max()))
        self._remember(times_s, values)
        if late:
            return  # the delay tells nothing of the clock
        self._bucket += late_s.tolist()
        if len(self._bucket) >= self._bucket_samples:
            self._close_bucket()

    def _remember(self, times_s: Times, values: FloatArray) -> None:
        for time_s, row in zip(times_s.tolist(), values, strict=True):
            key = (time_s, row.tobytes())
            self._seen.add(key)
            self._order.append(key)
        while len(self._order) > DOUBLES_S * self._rate_hz:
            self._seen.discard(self._order.popleft())

    def _close_bucket(self) -> None:
        low, high = min(self._bucket), max(self._bucket)
        self._bucket = []
        self._spans.append((low, high))
        self._floors.append(low)
        if len(self._floors) == RATE_BUCKETS:
            self._readings.append((self._accepted / self._rate_hz, min(self._floors)))
            self._floors = []
            self._measure_rate()

    def _measure_rate(self) -> None:
        """Compare the rate by the stamps with the announced one."""
        readings = self._readings
        if len(readings) < SHORT_READINGS:
            return
        (now_s, now), (short_s, short), (long_s, long) = (
            readings[-1],
            readings[-SHORT_READINGS],
            readings[0],
        )
        measured_hz = self._rate_hz / max(1 + (now - short) / (now_s - short_s), 0.01)
        if abs(measured_hz / self._rate_hz - 1) > REFUSED_DEVIATION:
            self._check_steps(np.asarray(self._steps))  # they tell exactly, if they are even
            self._refuse(measured_hz)
        if len(readings) < LONG_READINGS:
            return
        self.deviation = 1 / (1 + (now - long) / (now_s - long_s)) - 1
        if abs(self.deviation - self._said_deviation) >= DRIFT_SAID:
            self._said_deviation = self.deviation
            measured_hz = self._rate_hz * (1 + self.deviation)
            self._notes.append(
                f"the source's clock runs at {measured_hz:.6g} Hz where {self._rate_hz:g} Hz was "
                f"announced ({100 * self.deviation:+.2f} %); times are by the announced rate"
            )
