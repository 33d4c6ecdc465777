"""What the rules see: the beats, the rate and the state of the signal up to now."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Sequence
from statistics import pstdev

from monitor.config import AlarmSettings, WatchSettings
from monitor.messages import (
    AamiClass,
    Beat,
    Gap,
    GapKind,
    LeadState,
    Rhythm,
    RPeak,
    StreamInfo,
    Vitals,
)
from monitor.stages.alarms.absent import Absent
from monitor.stages.alarms.amplitude import Amplitude
from monitor.stages.alarms.row import Row, row_of
from monitor.stages.alarms.shapes import Shapes
from monitor.stages.alarms.twave import TWave
from monitor.stages.ectopy import LastMinute
from monitor.stages.hop import Hop, Pulse, Watched

_BEATS_KEPT = 64
_PREMATURE = 0.9  # of the usual interval
_OFF = frozenset({LeadState.LEAD_OFF, LeadState.FLAT})


class View:
    """Running record of one stream; rules read it and never change it."""

    def __init__(self, info: StreamInfo, settings: AlarmSettings, watch: WatchSettings) -> None:
        self.rate_hz = info.rate_hz
        self.settings = settings
        self.start_sample = info.start_sample
        self.sample = info.start_sample - 1  # last sample seen
        self.suspended = False  # the signal cannot be analysed now
        self.lead_off_since: int | None = None  # any lead
        self.absent = Absent(len(info.leads))
        self.leads = info.leads
        self.lead_states: tuple[LeadState, ...] = (LeadState.OK,) * len(info.leads)
        self.watched = Watched(info.start_sample, None, info.start_sample)
        self.rpeaks: deque[int] = deque(maxlen=_BEATS_KEPT)
        self.beats: deque[Beat] = deque(maxlen=_BEATS_KEPT)
        self.pulses: deque[Pulse] = deque(maxlen=_BEATS_KEPT)
        self.pacing_pulses: deque[int] = deque(maxlen=_BEATS_KEPT)
        self.paced = False  # the patient has a pacemaker
        self._pauses = LastMinute(info.rate_hz)  # R peaks before pauses
        self.shapes = Shapes(info.rate_hz)
        self.amplitude = Amplitude(info.rate_hz)
        self.t_wave = TWave(info.rate_hz)
        self.vitals: Vitals | None = None
        self.rhythm: Rhythm | None = None
        self.af_since: int | None = None  # when AF was last found
        self.af_onset = info.start_sample  # where it began
        self.af_ended: int | None = None  # when AF that had been announced was last left
        self.lost_until: int | None = None  # where the last hole in the samples ended
        self.lost_from = info.start_sample  # where the first began, of those soon after each other
        self.lost_samples = 0  # in all of those
        self.learning = True
        self._settle_s = watch.settle_s
        self._elapsed = 0  # samples since the hop before
        self._rpeaks_seen = 0
        self._rows: dict[int, Row | None] = {}  # asked for since the last R peak, by length
        self._minute = {label: LastMinute(info.rate_hz) for label in (AamiClass.V, AamiClass.S)}

    def forget(self) -> None:
        """Drop beats and rate: what came before proves nothing about what comes."""
        self.rpeaks.clear()
        self._rows.clear()
        self.beats.clear()
        self.pulses.clear()
        self.pacing_pulses.clear()
        self._pauses.clear()
        self.shapes.forget()
        self.t_wave.forget()
        self.vitals = None
        self.rhythm = None
        self.af_since = self.af_ended = None

    def take(self, hop: Hop) -> None:
        """Take all of a hop but its beats, which come one by one by :meth:`take_beat`."""
        block = hop.block
        for gap in hop.gaps:
            self._take_gap(gap)
        if not len(block.values_mv):  # the end of the stream: beats without signal
            self._elapsed = 0
            self._take_events(hop)
            return
        self.watched = hop.watched
        if hop.watched.forget:
            self.forget()
        if hop.watched.after_hole:
            self.amplitude.forget()
            self.lead_off_since = None
            self.absent.forget()
        self._elapsed = block.end_sample - 1 - self.sample
        self.sample = block.end_sample - 1
        self.shapes.push(block)
        self.amplitude.push(block)
        self._take_quality(hop)
        self._take_events(hop)
        if self.learning:
            s = self.settings
            self.learning = (
                self._rpeaks_seen < s.learning_beats
                and self.seconds_since(self.start_sample) < s.learning_s
            )

    def _take_gap(self, gap: Gap) -> None:
        """Add samples that are missing to those of the last ``lost_s``."""
        if gap.kind is not GapKind.HOLE:
            return
        s = self.settings
        if self.lost_until is None or gap.sample - self.lost_until >= s.lost_s * self.rate_hz:
            self.lost_from, self.lost_samples = gap.sample, 0
        self.lost_samples += gap.length
        self.lost_until = gap.sample + gap.length

    def _take_events(self, hop: Hop) -> None:
        self.paced = self.settings.is_paced(hop.paced)
        self.pulses.extend(hop.pulses)
        self.pacing_pulses.extend(pulse.sample for pulse in hop.pacing_pulses)
        for rpeak in hop.rpeaks:
            self._take_rpeak(rpeak)

    def take_rhythm(self, rhythm: Sequence[Rhythm | Vitals]) -> None:
        """Take what the rhythm stage said of the hop."""
        for event in rhythm:
            if isinstance(event, Vitals):
                self.vitals = event
            else:
                self._take_name(event)

    def _take_quality(self, hop: Hop) -> None:
        start = hop.block.start_sample
        states = hop.quality.leads
        self.lead_states = states
        if _OFF.isdisjoint(states):
            self.lead_off_since = None
        elif self.lead_off_since is None:
            self.lead_off_since = start
        self.absent.take(hop, self.settings.lead_off_s * self.rate_hz)
        self.suspended = not hop.quality.usable

    def _take_rpeak(self, rpeak: RPeak) -> None:
        self._rpeaks_seen += 1
        if self.rpeaks and self.rpeaks[-1] >= self.watched.since_sample:
            rr_s = (rpeak.sample - self.rpeaks[-1]) / self.rate_hz
            if rr_s >= self.settings.pause_s:
                self._pauses.add(self.rpeaks[-1])
        self.rpeaks.append(rpeak.sample)
        self._rows.clear()

    def _take_name(self, rhythm: Rhythm) -> None:
        before, self.rhythm = self.rhythm, rhythm
        if rhythm.name == "AFIB":
            if self.af_since is None:
                self.af_since = self.sample
                self.af_onset = rhythm.sample
            self.af_ended = None
        elif rhythm.name == "N" and before is not None and self.af_since is not None:
            if self.seconds_since(self.af_since) >= self.settings.af_s:
                self.af_ended = self.sample
                self._minute[AamiClass.S].clear()  # in fibrillation none is premature
            self.af_since = None

    def take_beat(self, beat: Beat) -> None:
        """Take the next labelled beat."""
        if beat.label is AamiClass.V or (beat.label is AamiClass.S and self._premature(beat)):
            self._minute[beat.label].add(beat.sample)
        if self.beats and beat.label is self.beats[-1].label is AamiClass.N:
            self._take_t_wave(self.beats[-1])
        self.beats.append(beat)
        self.shapes.take(beat)
        height_mv = self.shapes.height_mv(beat)
        if height_mv is not None:
            self.amplitude.take(beat.sample, height_mv)

    def _take_t_wave(self, beat: Beat) -> None:
        first, last = self.t_wave.reach
        piece = self.shapes.signal(beat.sample + first, beat.sample + last)
        if piece is not None:
            self.t_wave.take(piece)

    def _premature(self, beat: Beat) -> bool:
        usual_s = self.usual_rr_s(before=1)
        if usual_s is None or not self.beats:
            return False
        return beat.sample - self.beats[-1].sample <= _PREMATURE * usual_s * self.rate_hz

    def seconds_since(self, sample: int) -> float:
        """Seconds of signal from ``sample`` to now."""
        return (self.sample + 1 - sample) / self.rate_hz

    def just_passed(self, sample: int, seconds: float) -> bool:
        """Whether ``seconds`` since ``sample`` were completed by the newest hop."""
        now = self.seconds_since(sample)
        return now >= seconds > now - self._elapsed / self.rate_hz

    @property
    def quiet_s(self) -> float:
        """How long there has surely been no QRS (one just past may not be announced yet)."""
        return self.seconds_since(self.watched.quiet_from) - self._settle_s

    @property
    def settled_sample(self) -> int:
        """Before it every R peak is surely known."""
        return self.sample + 1 - round(self._settle_s * self.rate_hz)

    @property
    def newest_is_still(self) -> bool:
        """Whether nothing as steep as a QRS is in the signal whose R peaks may be unknown yet."""
        return self.shapes.is_still(self.settled_sample, self.sample + 1)

    def row(self, count: int) -> Row | None:
        """Give the row of the last ``count`` R peaks; None if there are fewer."""
        if count not in self._rows:
            self._rows[count] = row_of(self.rpeaks, count)
        return self._rows[count]

    def even_pulses(self, count: int, spread: float) -> list[Pulse]:
        """Give the last pulses, so many, if their log heights spread no more; else none."""
        last = list(self.pulses)[-count:]
        if len(last) < count or self.seconds_since(last[-1].sample) >= self.settings.asystole_s:
            return []  # that it stops may be the transducer's doing
        heights = [math.log(max(pulse.height, 1e-9)) for pulse in last]
        return last if pstdev(heights) <= spread else []

    def of_the_minute(self, label: AamiClass) -> tuple[int, ...]:
        """R peaks of the ventricular (V) or premature supraventricular (S) beats of a minute."""
        return self._minute[label].up_to(self.sample + 1)

    @property
    def pauses(self) -> tuple[int, ...]:
        """R peaks before the pauses of the last minute."""
        return self._pauses.up_to(self.sample + 1)

    def usual_rr_s(self, before: int) -> float | None:
        """Median RR of up to eight intervals that end ``before`` beats before the newest."""
        beats = list(self.beats)[: len(self.beats) - before + 1][-9:]
        rr_s = sorted((b.sample - a.sample) / self.rate_hz for a, b in itertools.pairwise(beats))
        return rr_s[len(rr_s) // 2] if rr_s else None

    def last(self, count: int) -> list[Beat]:
        """Give the newest beats, so many if there are, in order."""
        first = max(0, len(self.beats) - count)
        return [self.beats[i] for i in range(first, len(self.beats))]

    def run_of_v(self, back: int = 0) -> list[Beat]:
        """Consecutive ventricular beats that end ``back`` beats before the newest, in order."""
        run: list[Beat] = []
        for i in range(len(self.beats) - 1 - back, -1, -1):
            if self.beats[i].label is not AamiClass.V:
                break
            run.append(self.beats[i])
        run.reverse()
        return run

    def rate_bpm(self, beats: Sequence[Beat]) -> float:
        """Mean rate over at least two beats."""
        span_s = (beats[-1].sample - beats[0].sample) / self.rate_hz
        return 60.0 * (len(beats) - 1) / span_s
