"""What the rules see: the beats, the rate and the state of the signal up to now."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Sequence

from monitor.config import AlarmSettings
from monitor.messages import (
    AamiClass,
    Beat,
    Gap,
    GapKind,
    Hop,
    LeadState,
    Pulse,
    Rhythm,
    RPeak,
    StreamInfo,
    Vitals,
)
from monitor.stages.alarms.amplitude import Amplitude
from monitor.stages.alarms.runs import Runs
from monitor.stages.alarms.shapes import Shapes
from monitor.stages.alarms.twave import TWave

_BEATS_KEPT = 64
_MINUTE_S = 60.0
_PREMATURE = 0.9  # of the usual interval
_OFF = frozenset({LeadState.LEAD_OFF, LeadState.FLAT})


class View:
    """Running record of one stream; rules read it and never change it."""

    def __init__(self, info: StreamInfo, settings: AlarmSettings) -> None:
        self.rate_hz = info.rate_hz
        self.settings = settings
        self.start_sample = info.start_sample
        self.sample = info.start_sample - 1  # last sample seen
        self.suspended = False  # the signal cannot be analysed now
        self.lead_off_since: int | None = None  # any lead
        self.leads = info.leads
        self.lead_states: tuple[LeadState, ...] = (LeadState.OK,) * len(info.leads)
        self.unusable_since: int | None = None
        self.watched_since = info.start_sample  # signal has been analysed without break since
        self.rpeaks: deque[int] = deque(maxlen=_BEATS_KEPT)
        self.beats: deque[Beat] = deque(maxlen=_BEATS_KEPT)
        self.pulses: deque[Pulse] = deque(maxlen=_BEATS_KEPT)
        self.pauses: deque[int] = deque()  # R peaks before pauses of the last minute
        self.shapes = Shapes(info.rate_hz)
        self.runs = Runs(info.rate_hz)
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
        self._elapsed = 0  # samples since the hop before
        self._rpeaks_seen = 0
        self._minute: dict[AamiClass, deque[int]] = {
            AamiClass.V: deque(),
            AamiClass.S: deque(),
        }

    def forget(self) -> None:
        """Drop beats and rate: what came before proves nothing about what comes."""
        self.rpeaks.clear()
        self.beats.clear()
        self.pulses.clear()
        self.pauses.clear()
        self.shapes.forget()
        self.runs.forget()
        self.t_wave.forget()
        self.vitals = None
        self.rhythm = None
        self.af_since = self.af_ended = None

    def take(self, hop: Hop, rhythm: Sequence[Rhythm | Vitals]) -> None:
        """Take all of a hop but its beats, which come one by one by :meth:`take_beat`."""
        block = hop.block
        if not len(block.values_mv):  # the end of the stream: beats without signal
            self._elapsed = 0
            self._take_events(hop, rhythm)
            return
        if block.start_sample != self.sample + 1:
            self.forget()
            self.amplitude.forget()
            self.watched_since = block.start_sample
            self.lead_off_since = self.unusable_since = None
        self._elapsed = block.end_sample - 1 - self.sample
        self.sample = block.end_sample - 1
        self.shapes.push(block)
        self.amplitude.push(block)
        self._take_quality(hop)
        self._take_events(hop, rhythm)
        if self.learning:
            s = self.settings
            self.learning = (
                self._rpeaks_seen < s.learning_beats
                and self.seconds_since(self.start_sample) < s.learning_s
            )

    def take_gap(self, gap: Gap) -> None:
        """Add samples that are missing to those of the last ``lost_s``."""
        if gap.kind is not GapKind.HOLE:
            return
        s = self.settings
        if self.lost_until is None or gap.sample - self.lost_until >= s.lost_s * self.rate_hz:
            self.lost_from, self.lost_samples = gap.sample, 0
        self.lost_samples += gap.length
        self.lost_until = gap.sample + gap.length

    def _take_events(self, hop: Hop, rhythm: Sequence[Rhythm | Vitals]) -> None:
        self.pulses.extend(hop.pulses)
        for rpeak in hop.rpeaks:
            self._take_rpeak(rpeak)
        minute_ago = self.sample - _MINUTE_S * self.rate_hz
        while self.pauses and self.pauses[0] < minute_ago:
            self.pauses.popleft()
        for event in rhythm:
            if isinstance(event, Vitals):
                self.vitals = event
            else:
                self._take_rhythm(event)

    def _take_quality(self, hop: Hop) -> None:
        start = hop.block.start_sample
        states = hop.quality.leads
        self.lead_states = states
        if _OFF.isdisjoint(states):
            self.lead_off_since = None
        elif self.lead_off_since is None:
            self.lead_off_since = start
        self.suspended = not hop.quality.usable
        if not self.suspended:
            if self.unusable_since is not None:
                self.watched_since = start
                self.unusable_since = None
            return
        if self.unusable_since is None:
            self.unusable_since = start
        if self.seconds_since(self.unusable_since) > self.settings.forget_s:
            self.forget()

    def _take_rpeak(self, rpeak: RPeak) -> None:
        self._rpeaks_seen += 1
        if self.rpeaks and self.rpeaks[-1] >= self.watched_since:
            rr_s = (rpeak.sample - self.rpeaks[-1]) / self.rate_hz
            if rr_s >= self.settings.pause_s:
                self.pauses.append(self.rpeaks[-1])
        self.rpeaks.append(rpeak.sample)

    def _take_rhythm(self, rhythm: Rhythm) -> None:
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
            self._minute[beat.label].append(beat.sample)
        if self.beats and beat.label is self.beats[-1].label is AamiClass.N:
            self._take_t_wave(self.beats[-1])
        self.beats.append(beat)
        piece = self.shapes.take(beat)
        if piece is not None:
            self.runs.take(beat.sample, piece)
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
    def quiet_from(self) -> int:
        """Where the time without QRS begins: the last R peak, or where watching began."""
        return max(self.rpeaks[-1], self.watched_since) if self.rpeaks else self.watched_since

    @property
    def quiet_s(self) -> float:
        """How long there has surely been no QRS (one just past may not be announced yet)."""
        return self.seconds_since(self.quiet_from) - self.settings.settle_s

    @property
    def newest_is_still(self) -> bool:
        """Whether nothing as steep as a QRS is in the signal whose R peaks may be unknown yet."""
        newest = round(self.settings.settle_s * self.rate_hz)
        return self.runs.still(self.shapes.latest()[-newest:])

    def count_in_minute(self, label: AamiClass) -> list[int]:
        """R peaks of the ventricular (V) or premature supraventricular (S) beats of a minute."""
        held = self._minute[label]
        minute_ago = self.sample - _MINUTE_S * self.rate_hz
        while held and held[0] < minute_ago:
            held.popleft()
        return list(held)

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

    def ventricular(self, run: Sequence[Beat]) -> float:
        """Probability that a run, which ends with the newest beat, is ventricular tachycardia."""
        before = list(self.beats)[: len(self.beats) - len(run)]
        odds = self.runs.log_odds(run, before, self.shapes.latest())
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -50.0 else 0.0

    def rate_bpm(self, beats: Sequence[Beat]) -> float:
        """Mean rate over at least two beats."""
        span_s = (beats[-1].sample - beats[0].sample) / self.rate_hz
        return 60.0 * (len(beats) - 1) / span_s
