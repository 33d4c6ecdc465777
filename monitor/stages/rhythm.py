"""The heart rate, the counts of beats and the name of the rhythm.

Rules that hold here:

1. :class:`~monitor.messages.Vitals` come once per second of signal, from R peaks (known about
   0.3 s after they happen), not from labels (up to 1.5 s).
2. While the signal is not usable nothing is known: the heart rate is None, never 0.
3. After a hole or a long shutdown (:mod:`monitor.stages.watch`) averages start anew; counts of
   beats go on, those of the last minute too.
4. The rhythm is named with WFDB's names, when it changes, the first that applies: VFIB or VFL
   (waveform, or large regular waves without a QRS), ASYS (no QRS for ``asystole_s``), VT (as the
   alarm of VT decides, or a run of ventricular beats at ``vt_bpm`` that is too short for it), IVR
   (three or more ventricular beats, slower), AFIB, B (``bigeminy_cycles``), T
   (``trigeminy_cycles``), SVTA (three or more supraventricular ectopic beats at 100 bpm), N.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import islice

from monitor.config import AlarmSettings, RhythmSettings, WatchSettings
from monitor.messages import AamiClass, Beat, Rhythm, StreamInfo, Vitals
from monitor.stages.af import AtrialFibrillation
from monitor.stages.band import BandSignal
from monitor.stages.ectopy import LastMinute, ventricular_cycles
from monitor.stages.fibrillation import FLUTTER_REGULARITY, Fibrillation
from monitor.stages.heart_rate import HeartRate
from monitor.stages.hop import Hop

_SVTA_BPM = 100.0
_KEPT = 64  # beats: the longest count of cycles fits in
_LONGEST_RUN = 32  # beats of a run whose rate is taken
_FIBRILLATION = ("VFIB", "VFL")
_WAVEFORM = (*_FIBRILLATION, "ASYS")


class RhythmStage:
    """Names the rhythm and computes the vitals of one stream.

    Parameters
    ----------
    info
        The stream.
    settings
        Averaging and naming limits.
    watch
        When an R peak is surely announced.
    limits
        Limits of the alarms: the rhythm has the name that its alarm has. They may be changed while
        running.
    """

    def __init__(
        self,
        info: StreamInfo,
        settings: RhythmSettings,
        watch: WatchSettings,
        limits: AlarmSettings,
    ) -> None:
        self.limits = limits
        self._info = info
        self._heart_rate = HeartRate(info.rate_hz, settings)
        self._band = BandSignal(info)
        self._fibrillation = Fibrillation(info, settings, self._band)
        self._af = AtrialFibrillation(settings, info.rate_hz, self._band)
        self._settle = round(watch.settle_s * info.rate_hz)
        self._counts = {label.value: 0 for label in AamiClass}
        self._pvcs = LastMinute(info.rate_hz)
        self._beats: deque[Beat] = deque(maxlen=_KEPT)
        self._vt_onset: int | None = None  # of VT, if it is present with the newest beat
        self._end: int | None = None
        self._second: int | None = None
        self._name: str | None = None
        self._named_sample = info.start_sample - 1

    def push(self, hop: Hop, vt: Mapping[int, int]) -> list[Rhythm | Vitals]:
        """Take one hop; give the rhythm when it changes, the vitals once a second.

        ``vt`` is what :meth:`monitor.stages.alarms.AlarmStage.take` gave.
        """
        block = hop.block
        if not len(block.values_mv):
            return self._finish(hop, vt)
        self._end = block.end_sample
        self._take_watched(hop)
        self._band.push(block)
        self._fibrillation.push(hop)
        for rpeak in hop.rpeaks:
            self._heart_rate.push(rpeak.sample)
        return [*self._take_beats(hop, vt), *self._watch_waveform(hop), *self._vitals(hop)]

    def _finish(self, hop: Hop, vt: Mapping[int, int]) -> list[Rhythm | Vitals]:
        """At the end of the stream beats come without signal: they still count."""
        for rpeak in hop.rpeaks:
            self._heart_rate.push(rpeak.sample)
        self._second = None
        return [*self._take_beats(hop, vt), *self._vitals(hop)]

    def _take_beats(self, hop: Hop, vt: Mapping[int, int]) -> list[Rhythm]:
        out: list[Rhythm] = []
        for beat in hop.beats:
            self._count(beat)
            self._af.push(beat)
            self._beats.append(beat)
            self._vt_onset = vt.get(beat.sample)
            if self._name not in _WAVEFORM:
                out += self._turn(*self._name_of_beats())
        return out

    def _take_watched(self, hop: Hop) -> None:
        if not hop.quality.usable:
            self._heart_rate.skip()
            self._af.skip()
        fibrillates = self._name in _FIBRILLATION  # a signal that is not usable is no end of it
        if hop.watched.after_hole or (hop.watched.forget and not fibrillates):
            self._forget()

    def _forget(self) -> None:
        self._heart_rate.forget()
        self._af.forget()
        self._beats.clear()
        self._vt_onset = None
        self._name = None

    def _count(self, beat: Beat) -> None:
        self._counts[beat.label.value] += 1
        if beat.label is AamiClass.V:
            self._pvcs.add(beat.sample)

    def _watch_waveform(self, hop: Hop) -> list[Rhythm]:
        """Waveform rhythms override the names made from beats, and give way to them."""
        onset = self._fibrillation.onset_sample
        if onset is not None:
            if self._name in _FIBRILLATION:
                return []
            flutter = self._fibrillation.regularity >= FLUTTER_REGULARITY
            return self._turn("VFL" if flutter else "VFIB", onset)
        quiet_from = hop.watched.quiet_from
        settled = hop.block.end_sample - self._settle
        quiet_s = (settled - quiet_from) / self._info.rate_hz
        if hop.quality.usable and quiet_s >= self.limits.asystole_s:
            return self._turn("VFL" if self._fibrillation.flutters else "ASYS", quiet_from)
        if self._name in _FIBRILLATION or (self._name == "ASYS" and hop.beats):
            name, onset = self._name_of_beats()
            return self._turn(name, max(onset, quiet_from))
        return []

    def _turn(self, name: str, onset: int) -> list[Rhythm]:
        if name == self._name or self._end is None:
            return []
        self._name = name
        self._named_sample = min(max(onset, self._named_sample + 1), self._end - 1)
        return [Rhythm(self._info.stream, self._named_sample, self._end - 1, name)]

    def _name_of_beats(self) -> tuple[str, int]:
        beats = self._beats
        if not beats:
            return "N", self._named_sample + 1
        if self._vt_onset is not None:
            return "VT", self._vt_onset
        v = self._tail(AamiClass.V)
        fast = v >= 3 and self._fast(v, self.limits.vt_bpm)
        if v >= 3 and not fast:
            return "IVR", beats[-v].sample
        if fast and v < self.limits.vt_beats:
            return "VT", beats[-v].sample
        newest = beats[-1].sample
        if self._af.active:
            ectopic = self._name in ("VT", "IVR")
            return "AFIB", (newest if ectopic else self._af.turned_sample)
        limits = self.limits
        for name, period, count in (
            ("B", 2, limits.bigeminy_cycles),
            ("T", 3, limits.trigeminy_cycles),
        ):
            cycles = ventricular_cycles(beats, period, count)
            if cycles:
                return name, cycles[0].sample
        s = self._tail(AamiClass.S)
        if s >= 3 and self._fast(s, _SVTA_BPM):
            return "SVTA", beats[-s].sample
        return "N", (self._af.turned_sample if self._name == "AFIB" else newest)

    def _tail(self, label: AamiClass) -> int:
        count = 0
        for beat in islice(reversed(self._beats), _LONGEST_RUN):
            if beat.label is not label:
                break
            count += 1
        return count

    def _fast(self, count: int, bpm: float) -> bool:
        span = (self._beats[-1].sample - self._beats[-count].sample) / self._info.rate_hz
        return 60.0 * (count - 1) >= bpm * span

    def _vitals(self, hop: Hop) -> list[Vitals]:
        end = hop.block.end_sample
        second = int(end / self._info.rate_hz)
        if second == self._second:
            return []
        self._second = second
        usable = hop.quality.usable
        return [
            Vitals(
                stream=self._info.stream,
                sample=end - 1,
                heart_rate_bpm=self._heart_rate.bpm(end - self._settle) if usable else None,
                rr_s=self._heart_rate.rr_s if usable else None,
                usable=usable,
                beat_counts=dict(self._counts),
                pvcs_per_min=len(self._pvcs.up_to(end)),
            )
        ]
