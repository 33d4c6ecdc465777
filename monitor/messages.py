"""The vocabulary of the monitor: everything that flows through it.

Rules that hold here:

1. Every message is frozen, names its stream, and places itself in time by
   **sample index** at the stream's own sampling rate. Wall time is stamped on
   at the edge and decides nothing.
2. Signals are float32 millivolts, shape (samples, leads); NaN marks an invalid sample. A pulse
   waveform, which may follow the leads, is in a unit of its own.
3. ``sample`` is where an event lies in the signal; ``decided_sample`` is the last
   sample that had been seen when it was decided. Their difference is the latency.
4. The names of kinds and states below are part of the public format and stay stable.

This file is long because it is the whole vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.alarm_kinds import AlertKind as AlertKind
from monitor.alarm_kinds import Priority as Priority
from monitor.errors import MonitorError

FloatArray: TypeAlias = NDArray[np.float32]

MIN_RATE_HZ = 100.0
MAX_RATE_HZ = 1000.0
MAX_LEADS = 32
MAX_LEAD_NAME = 64
_STREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class AamiClass(StrEnum):
    """The five beat classes of ANSI/AAMI EC57, in the order of every probability vector."""

    N = "N"  # normal, bundle branch block
    S = "S"  # supraventricular ectopic
    V = "V"  # ventricular ectopic
    F = "F"  # fusion of ventricular and normal
    Q = "Q"  # unclassifiable or paced


_CLASS_INDEX = {label: index for index, label in enumerate(AamiClass)}


class LeadState(StrEnum):
    """What the quality stage says of one lead over one hop."""

    OK = "ok"
    LEAD_OFF = "lead_off"
    FLAT = "flat"
    SATURATED = "saturated"
    NOISY = "noisy"
    INVALID = "invalid"  # samples missing (NaN)


class GapKind(StrEnum):
    """How the sequence of samples was broken."""

    HOLE = "hole"  # samples are missing
    OVERLAP = "overlap"  # samples came twice or too late, and were dropped


class AlertState(StrEnum):
    """Transitions in the life of one alert."""

    RAISED = "raised"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a stream is: sent before its samples, and again whenever it restarts.

    Parameters
    ----------
    stream
        Name: letters, digits, ``-`` and ``_``, at most 64 characters.
    rate_hz
        Sampling rate, 100 to 1000 Hz.
    leads
        Names of the signal columns, the lead to analyse first: ECG leads, and the pulse if there is
        one.
    start_sample
        Index of the first sample that will come.
    source
        Where it comes from, for people ("WFDB mitdb/208", "simulator: vt").
    pulse
        Which of ``leads`` is no ECG but a pulse waveform (arterial pressure, plethysmogram), in
        any unit: the last one, or "" for none.

    Raises
    ------
    MonitorError
        If the name, the rate or the leads cannot be worked with.
    """

    stream: str
    rate_hz: float
    leads: tuple[str, ...]
    start_sample: int = 0
    source: str = ""
    pulse: str = ""

    def __post_init__(self) -> None:
        if not _STREAM_NAME.fullmatch(self.stream):
            raise MonitorError(
                f"stream name {self.stream[:80]!r} is not usable: letters, digits, '-' and '_', "
                "at most 64 characters"
            )
        if not MIN_RATE_HZ <= self.rate_hz <= MAX_RATE_HZ:
            raise MonitorError(
                f"stream {self.stream}: a sampling rate of {self.rate_hz:g} Hz is outside "
                f"{MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz; resample the signal first"
            )
        if not isinstance(self.leads, tuple):  # a plain "II" would be two leads, I and I
            raise MonitorError(f"stream {self.stream}: leads must be a tuple of names: ('II',)")
        if not 1 <= len(self.leads) <= MAX_LEADS or not all(self.leads):
            raise MonitorError(
                f"stream {self.stream}: needs 1 to {MAX_LEADS} named ECG leads, "
                f"has {len(self.leads)}"
            )
        if max(map(len, self.leads)) > MAX_LEAD_NAME:
            raise MonitorError(
                f"stream {self.stream}: the name of a lead has over {MAX_LEAD_NAME} characters"
            )
        if self.start_sample < 0:
            raise MonitorError(
                f"stream {self.stream}: start sample {self.start_sample} is negative"
            )
        if self.pulse and (self.pulse != self.leads[-1] or len(self.leads) < 2):
            raise MonitorError(
                f"stream {self.stream}: the pulse waveform must be the last of at least two leads"
            )

    @property
    def ecg(self) -> StreamInfo:
        """The same stream without its pulse waveform."""
        return replace(self, leads=self.leads[:-1], pulse="") if self.pulse else self


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Consecutive samples of all leads: ``values_mv`` has shape (n, leads), float32, mV.

    ``wall_ns`` is when the first of them was taken, by the sender's clock, if it tells.
    """

    stream: str
    start_sample: int
    values_mv: FloatArray
    wall_ns: int | None = None

    @property
    def end_sample(self) -> int:
        """Index just past the last sample."""
        return self.start_sample + len(self.values_mv)


@dataclass(frozen=True, slots=True)
class End:
    """The stream is over: no sample at or after ``sample`` will come."""

    stream: str
    sample: int


@dataclass(frozen=True, slots=True)
class Gap:
    """``length`` samples from ``sample`` on are missing (hole) or were dropped (overlap)."""

    stream: str
    sample: int
    length: int
    kind: GapKind


@dataclass(frozen=True, slots=True)
class Quality:
    """State of every ECG lead over [sample, end_sample); ``usable`` means analysis goes on.

    Inside the pipeline there is one for every hop; subscribers get the changes.
    """

    stream: str
    sample: int
    end_sample: int
    leads: tuple[LeadState, ...]
    usable: bool


@dataclass(frozen=True, slots=True)
class RPeak:
    """A heart beat was found; not yet labelled. ``lead`` is an index into ``StreamInfo.leads``."""

    stream: str
    sample: int
    decided_sample: int
    lead: int = 0
    searched_back: bool = False


@dataclass(frozen=True, slots=True)
class Beat:
    """A labelled beat.

    ``rr_s`` is the interval from the previous R peak (None after a start, a gap or a shutdown);
    ``probabilities`` are in the order of :class:`AamiClass`.
    """

    stream: str
    sample: int
    decided_sample: int
    label: AamiClass
    probabilities: tuple[float, float, float, float, float]
    rr_s: float | None
    lead: int
    classifier: str

    def probability(self, label: AamiClass) -> float:
        """Probability of one class."""
        return self.probabilities[_CLASS_INDEX[label]]


@dataclass(frozen=True, slots=True)
class Vitals:
    """The numbers a monitor shows, once a second of signal.

    ``heart_rate_bpm`` is None while it is not known (start, shutdown, asystole): never 0.
    """

    stream: str
    sample: int
    heart_rate_bpm: float | None
    rr_s: float | None
    usable: bool
    beat_counts: Mapping[str, int]
    pvcs_per_min: int


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rhythm from ``sample`` on, with WFDB's names: N, AFIB, AFL, VT, VFL, B, T, SVTA, ..."""

    stream: str
    sample: int
    decided_sample: int
    name: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One transition of one alarm.

    ``id`` names the alarm through its life, ``seq`` counts the transitions of the stream
    without a hole. ``onset_sample`` is where the condition began, ``sample`` the last sample
    seen when this transition was decided. ``beats`` are the R peaks it rests on.
    """

    stream: str
    id: int
    seq: int
    kind: AlertKind
    priority: Priority
    state: AlertState
    onset_sample: int
    sample: int
    text: str
    value: float | None = None
    limit: float | None = None
    beats: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class Snippet:
    """The signal of the 10 s before an alert was raised: its evidence, sent right behind it.

    ``alert_id`` and ``seq`` are those of the raised alert. ``values_mv`` has shape (n, leads),
    float32, mV, of the first 16 leads at most; its last row is the last sample that had been
    seen. NaN marks samples that were missing.
    """

    stream: str
    alert_id: int
    seq: int
    start_sample: int
    values_mv: FloatArray

    @property
    def end_sample(self) -> int:
        """Index just past the last sample."""
        return self.start_sample + len(self.values_mv)

    def __eq__(self, other: object) -> bool:
        """Compare everything; NaN equals NaN."""
        if not isinstance(other, Snippet):
            return NotImplemented
        mine = (self.stream, self.alert_id, self.seq, self.start_sample)
        return mine == (other.stream, other.alert_id, other.seq, other.start_sample) and (
            np.array_equal(self.values_mv, other.values_mv, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]


Event: TypeAlias = Gap | Quality | Beat | Vitals | Rhythm | Alert | Snippet
"""What a pipeline gives out."""

Message: TypeAlias = StreamInfo | Samples | End | Event
"""What crosses a wire or reaches a sink."""
