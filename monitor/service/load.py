"""Speed and lag of each stream, fair rounds of messages, and what to drop under overload. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain

from monitor.messages import AlertKind, Event, Samples
from monitor.service.alert_book import AlertBook

PLAUSIBLE_S = 60.0  # a first message that seems older comes from a clock that is wrong
JUMP_S = 0.5  # more than messages are delayed by
LATE_S = 5.0  # labels and alarms that late deserve an alarm
LATE_TICKS = 3  # in a row, so that a jump of a clock raises no alarm
CAUGHT_UP_S = 1.0
REAL_TIME = 1.2  # times; a faster replay is slowed down by the service, and is not late


BATCH = 64  # messages
ROUND_BYTES = 128 * 1024  # of one round: keeps the time of a round bounded
SATURATED_S = 1.0
SHED_LAG_S = 0.5  # leaves as much for the label of a beat, due 1.5 s after its R peak
STATE_PERIOD = 5

Incoming = tuple[Sequence[bytes], str]  # frames, key of the sender


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


class Rounds:
    """Cuts the incoming messages into rounds.

    ZeroMQ gives one message of each connection in turn. A round ends before a topic that it holds
    already, and when it holds enough signal. So a fast sender has one message in each round, like
    every other; whatever comes meanwhile is in the next.

    Parameters
    ----------
    receive
        Gives the messages that have come in by now, at most as many as asked for.

    Attributes
    ----------
    emptied
        No message was left after the last round.

    Examples
    --------
    >>> came = iter([[b"samples.a"], [b"samples.b"], [b"samples.a"], [b"end.a"]])
    >>> rounds = Rounds(lambda limit: ((frames, "") for frames in came))
    >>> [frames for frames, _ in rounds.take()], rounds.emptied
    ([[b'samples.a'], [b'samples.b']], False)
    >>> [frames for frames, _ in rounds.take()], rounds.emptied
    ([[b'samples.a'], [b'end.a']], True)
    """

    def __init__(self, receive: Callable[[int], Iterable[Incoming]]) -> None:
        self._receive = receive
        self._held: list[Incoming] = []
        self.emptied = False

    @property
    def waiting(self) -> bool:
        """A message has been received that is in no round yet."""
        return bool(self._held)

    def take(self) -> list[Incoming]:
        """Give the next round; empty if no message is there."""
        out: list[Incoming] = []
        topics: set[bytes] = set()
        size = 0
        held, self._held = self._held, []
        for message in chain(held, self._receive(BATCH)):
            topic = message[0][0]
            if topic in topics or size >= ROUND_BYTES:
                self._held = [message]
                break
            out.append(message)
            topics.add(topic)
            size += sum(map(len, message[0]))
        self.emptied = not self._held and len(out) < BATCH
        return out


class Overload:
    """Decides once a second whether to drop display messages.

    The order of measures:

    1. None, while the input is found empty now and then: the queue is being worked off.
    2. Once the input has not been empty for :data:`SATURATED_S` and a live stream is
       :data:`SHED_LAG_S` behind, samples are not shown to subscribers, and states come each
       :data:`STATE_PERIOD` seconds. Every message left out takes its number, so that a subscriber
       sees the loss; the heartbeat counts them.
    3. Analysis, alerts, beats, journal and recordings are never dropped. They come late: the state
       of a stream tells its lag, and from :data:`LATE_S` on there is an alarm.
    4. When the queues are full, the senders are held back (see :mod:`monitor.wire.sockets`).
    """

    def __init__(self) -> None:
        self.shedding = False
        self.shed = 0  # messages left out so far
        self.late = 0  # live streams that are behind now
        self._ticks = 0

    @property
    def shows_states(self) -> bool:
        """The states are published this second."""
        return not self.shedding or self._ticks % STATE_PERIOD == 0

    def judge(
        self, behind_s: Collection[float], saturated_s: float, shed: int, fastest: str = ""
    ) -> str:
        """Take the lag of each live stream, and for how long the input has not been empty.

        Gives a line for the log when something changes, else an empty text. ``shed`` messages were
        left out so far; ``fastest`` is added to the line.
        """
        self.shed = shed
        self._ticks += 1
        self.late = sum(lag_s > SHED_LAG_S for lag_s in behind_s)
        saturated = saturated_s > SATURATED_S
        if not self.shedding and saturated and self.late:
            self.shedding, self._ticks = True, 0
            return (
                f"too slow: {self.late} of {len(behind_s)} live streams are late, the worst by "
                f"{max(behind_s):.1f} s; samples are no longer shown to subscribers{fastest}"
            )
        if self.shedding and not saturated and not self.late:
            self.shedding = False
            return f"caught up; {self.shed} messages were not shown so far"
        return ""
