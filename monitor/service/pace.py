"""How fast the samples of a stream come, and how far the analysis is behind. Pure."""

from __future__ import annotations

import math

from monitor.messages import AlertKind, Event, Samples
from monitor.service.alert_book import AlertBook

PLAUSIBLE_S = 60.0  # a first message that seems older comes from a clock that is wrong
JUMP_S = 0.5  # more than messages are delayed by
LATE_S = 5.0  # labels and alarms that late deserve an alarm
LATE_TICKS = 3  # in a row, so that a jump of a clock raises no alarm
CAUGHT_UP_S = 1.0
REAL_TIME = 1.2  # times; a faster replay is slowed down by the service, and is not late


class Lag:
    """Measures the lag of one sender's samples (s), although wall clocks differ and jump.

    The age of a message is the time since it was sent, by the clocks of sender and service. A true
    age is not negative and cannot grow faster than time passes, since messages come in order. Any
    other change comes from a clock, and is subtracted.

    Examples
    --------
    A sender whose clock is set back by an hour between two messages, then a real delay:

    >>> lag = Lag()
    >>> lag.observe(0.25, 0.0), lag.observe(3600.25, 0.25), lag.observe(3601.25, 2.0)
    (0.25, 0.25, 1.25)
    """

    def __init__(self) -> None:
        self.value_s: float | None = None
        self._zero_s = 0.0
        self._age_s = 0.0
        self._now_s = 0.0

    def observe(self, age_s: float, now_s: float) -> float:
        """Take the age of the next message, taken up at ``now_s`` (monotonic); give the lag."""
        if self.value_s is None:
            self._zero_s = age_s if age_s > PLAUSIBLE_S else 0.0
        elif age_s - self._age_s > now_s - self._now_s + JUMP_S:
            self._zero_s += age_s - self._age_s
        self._zero_s = min(self._zero_s, age_s)
        self._age_s, self._now_s = age_s, now_s
        self.value_s = age_s - self._zero_s
        return self.value_s


class Pace:
    """Measures speed and lag of one stream.

    Parameters
    ----------
    now_s
        Monotonic seconds.

    Attributes
    ----------
    speed
        Signal time over wall time in the last second.
    """

    def __init__(self, now_s: float) -> None:
        self.speed: float | None = None
        self._lag = Lag()
        self._late_ticks = 0
        self._signal_s = 0.0
        self._ticked_s = now_s

    @property
    def lag_s(self) -> float | None:
        """Age of the newest samples when they had been analysed; None before the first."""
        return self._lag.value_s

    def behind_s(self, live: bool) -> float:
        """Give the lag of a live stream that comes in real time; 0 for any other."""
        in_real_time = live and (self.speed or 0.0) <= REAL_TIME
        return (self.lag_s or 0.0) if in_real_time else 0.0

    def other_sender(self) -> None:
        """Begin anew: another clock stamps the messages from now on."""
        self._lag = Lag()

    def came(self, age_s: float, now_s: float) -> None:
        """Take the age of a message that has been analysed."""
        self._lag.observe(age_s, now_s)

    def took(self, samples: Samples, rate_hz: float) -> None:
        """Take samples that are being analysed."""
        self._signal_s += len(samples.values_mv) / rate_hz

    def tick(self, now_s: float, live: bool, alerts: AlertBook, sample: int) -> list[Event]:
        """Once a second: keep an alarm while the analysis is far behind."""
        elapsed_s = now_s - self._ticked_s
        self.speed = round(self._signal_s / elapsed_s, 2) if elapsed_s > 0 else None
        self._signal_s, self._ticked_s = 0.0, now_s
        lag_s = self.lag_s or 0.0
        if self.behind_s(live) > LATE_S:
            self._late_ticks += 1
        elif lag_s < CAUGHT_UP_S or not live:
            self._late_ticks = 0
        kind = AlertKind.ANALYSIS_LATE
        if not self._late_ticks:
            return alerts.cleared(sample, kind)
        if self._late_ticks < LATE_TICKS or lag_s <= LATE_S:
            return []
        # in powers of two, so that the text does not change each second
        level_s = LATE_S * 2 ** int(math.log2(lag_s / LATE_S))
        text = f"Analysis is more than {level_s:g} s behind the signal"
        return alerts.raised(kind, sample, sample, text, level_s)
