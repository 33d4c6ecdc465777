"""One hop of the signal with all that was found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from monitor.messages import Beat, Gap, Quality, RPeak, Samples


@dataclass(frozen=True, slots=True)
class Pulse:
    """One beat of the pulse waveform: its upstroke, and how high it is, in the channel's unit."""

    sample: int
    height: float


@dataclass(frozen=True, slots=True)
class PacingPulse:
    """A pulse of a pacemaker: its steepest moment, and how high it is as it was recorded."""

    sample: int
    height_mv: float


class Watched(NamedTuple):
    """Since when the signal has been analysed; see :class:`monitor.stages.watch.Watch`.

    Parameters
    ----------
    since_sample
        The signal has been analysed without a break since this sample.
    unusable_since
        Where the present shutdown began; None while the signal is usable.
    quiet_from
        Where the time without a QRS began: the last R peak, or ``since_sample``.
    after_hole
        Samples are missing right before this hop.
    forget
        Earlier beats prove nothing about later ones: after a hole, and during a shutdown
        that has lasted longer than ``WatchSettings.forget_s``.
    """

    since_sample: int
    unusable_since: int | None
    quiet_from: int
    after_hole: bool = False
    forget: bool = False


@dataclass(slots=True, eq=False)
class Hop:
    """One hop of the ECG and all that was found in it.

    ``block`` is empty at the end of the stream, where the last beats come without signal. ``beats``
    are those labelled now, ``rpeaks`` those found now. ``gaps`` came since the hop before. Both
    ``beats`` and ``gaps`` are put in after the network has run. ``paced`` tells whether the patient
    is, from the pacing pulses seen so far.
    """

    block: Samples
    quality: Quality
    watched: Watched
    rpeaks: tuple[RPeak, ...] = ()
    beats: tuple[Beat, ...] = ()
    pulses: tuple[Pulse, ...] = ()
    pacing_pulses: tuple[PacingPulse, ...] = ()
    paced: bool = False
    gaps: tuple[Gap, ...] = ()
