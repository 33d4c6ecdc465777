"""The signal path, on one screen: samples in, events out.

``Pipeline`` is pure: it owns no clock, socket, file or thread. The same samples give
bit-identical events however they are chunked.

Nothing up to the network looks at labels, so the path has two halves: all hops that some samples
complete are *looked* at, then their beats are labelled together, then the hops are *judged*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.config import AlarmSettings, Settings
from monitor.messages import (
    AamiClass,
    Beat,
    Event,
    Gap,
    LeadState,
    Quality,
    RPeak,
    Samples,
    StreamInfo,
)
from monitor.models.bundle import Bundle, load_bundle
from monitor.stages.alarms import AlarmStage
from monitor.stages.blocks import Blocks
from monitor.stages.classify import Classifier
from monitor.stages.detect import make_detector, peaks_of
from monitor.stages.hop import Hop
from monitor.stages.hop_rows import rows_of
from monitor.stages.pacing import Pacing
from monitor.stages.pulse import PulseDetector
from monitor.stages.quality import QualityGate
from monitor.stages.rhythm import RhythmStage
from monitor.stages.segment import BeatWindow, Segmenter
from monitor.stages.snippets import Snippets
from monitor.stages.steps import Steps, run_alone
from monitor.stages.watch import Watch


class Pipeline:
    """Everything that decides, for one stream.

    Parameters
    ----------
    info
        The stream to analyse.
    settings
        Limits, detector and model; the defaults need no file.
    bundle
        The model, loaded once for many streams; by default the one named in the settings.

    Raises
    ------
    MonitorError
        If the detector or the model named in the settings cannot be had.
    """

    def __init__(
        self,
        info: StreamInfo,
        settings: Settings | None = None,
        bundle: Bundle | None = None,
    ) -> None:
        settings = settings or Settings()
        self.info = info
        bundle = bundle or load_bundle(settings.classify.model)
        ecg = info.ecg
        self._blocks = Blocks(info, settings.blocks)
        self._pulse = PulseDetector(info) if info.pulse else None
        self._gate = QualityGate(ecg, settings.quality)
        self._detector = make_detector(ecg, settings.detect)
        self._pacing = Pacing(ecg)
        self._segmenter = Segmenter(ecg, bundle.manifest)
        self._classifier = Classifier(ecg, bundle)
        self._watch = Watch(ecg, settings.watch)
        self._rhythm = RhythmStage(ecg, settings.rhythm, settings.watch, settings.alarms)
        self._alarms = AlarmStage(ecg, settings.alarms, settings.watch)
        self._snippets = Snippets(info)
        self._gaps: list[Gap] = []  # since the last hop
        self._quality: Quality | None = None  # of the last hop
        self._told: tuple[tuple[LeadState, ...], bool] | None = None  # the quality last given out

    def push(self, samples: Samples) -> list[Event]:
        """Take the next samples of the stream; give what could be decided with them."""
        return run_alone(self.steps(samples))

    def steps(self, samples: Samples) -> Steps[list[Event]]:
        """Like :meth:`push`, but leave it to the caller to run the network.

        Nothing else may be asked of the pipeline until the steps have come to their end.
        """
        return self._through(self._blocks.push(samples))

    def flush(self) -> list[Event]:
        """End of the stream: decide what was still waiting for later samples."""
        return run_alone(self._through(self._blocks.flush(), at_end=True))

    def acknowledge(self, alert_id: int | None) -> list[Event]:
        """Acknowledge one alert, or all of them (None); takes effect at the current sample."""
        return [*self._alarms.acknowledge(alert_id)]

    @property
    def limits(self) -> AlarmSettings:
        """Limits and switches of the alarms now in force."""
        return self._alarms.settings

    @property
    def judges(self) -> bool:
        """The absence of an alarm means something: signal usable, learning done."""
        return self._alarms.judges

    def set_limits(self, limits: AlarmSettings) -> list[Event]:
        """Go on with other limits from the current sample on; alarms switched off are cleared."""
        self._rhythm.limits = limits
        return [*self._alarms.set_limits(limits)]

    def _through(self, items: Sequence[Samples | Gap], at_end: bool = False) -> Steps[list[Event]]:
        looked: list[_Looked | Gap] = []
        hops: list[Samples] = []
        for item in items:
            if isinstance(item, Gap):
                looked += yield from self._look(hops)
                looked.append(item)
                hops = []
            else:
                hops.append(item)
        looked += yield from self._look(hops)
        if at_end and (end := self._look_at_end()) is not None:
            looked.append(end)
        windows = [w for item in looked if isinstance(item, _Looked) for w in item.windows]
        inputs = self._classifier.prepare(windows)
        scores = iter((yield inputs) if len(inputs) else ())
        events: list[Event] = []
        for seen in looked:
            if isinstance(seen, Gap):
                self._gaps.append(seen)
                events.append(seen)
            else:
                events += self._judge(seen, scores)
        return events

    def _look(self, signals: list[Samples]) -> Steps[list[_Looked]]:
        """Look at hops; what is the same for each is computed for all of them at once."""
        blocks = signals
        if self._pulse is not None:
            blocks = [
                replace(signal, values_mv=np.ascontiguousarray(signal.values_mv[:, :-1]))
                for signal in signals
            ]
        looked: list[_Looked] = []
        for row in rows_of(blocks):
            qualities = yield from self._gate.steps(row)
            peaks = yield from peaks_of(self._detector, row, qualities)
            yield from self._pacing.begin_row(row)
            here = signals[len(looked) : len(looked) + len(row)]
            looked += map(self._look_at, here, row.blocks, qualities, peaks)
        return looked

    def _look_at(
        self, signal: Samples, block: Samples, quality: Quality, peaks: list[RPeak]
    ) -> _Looked:
        pulses = self._pulse.push(signal) if self._pulse is not None else []
        self._quality = quality
        found, paces = self._pacing.push(block, peaks)
        windows = self._segmenter.push(block, found, quality.leads)
        self._watch.push(block, quality)
        rpeaks, watched = self._watch.take(found)
        hop = Hop(
            block,
            quality,
            watched,
            tuple(rpeaks),
            pulses=tuple(pulses),
            pacing_pulses=tuple(paces),
            paced=self._pacing.paced,
        )
        return self._looked(signal, hop, windows)

    def _look_at_end(self) -> _Looked | None:
        """Give the beats that still waited as a hop without signal; None if no sample came."""
        if self._quality is None:
            return None
        nothing = np.empty((0, len(self.info.leads)), np.float32)
        signal = Samples(self.info.stream, self._blocks.expected_sample, nothing)
        block = replace(signal, values_mv=nothing[:, : len(self.info.ecg.leads)])
        found = self._pacing.flush(self._detector.flush())
        windows = self._segmenter.push(block, found) + self._segmenter.flush()
        self._watch.at_end()
        rpeaks, watched = self._watch.take(found)
        hop = Hop(block, self._quality, watched, tuple(rpeaks), paced=self._pacing.paced)
        return self._looked(signal, hop, windows)

    def _looked(self, signal: Samples, hop: Hop, windows: list[BeatWindow]) -> _Looked:
        if not windows:
            return _Looked(signal, hop, windows, {}, frozenset())
        peaks = [window.rpeak.sample for window in windows]
        captured = frozenset(filter(self._pacing.captured, peaks))
        return _Looked(signal, hop, windows, self._watch.rr_s(windows), captured)

    def _judge(self, looked: _Looked, scores: Iterator[NDArray[np.float32]]) -> list[Event]:
        hop = looked.hop
        self._snippets.push(looked.signal)
        if looked.windows:
            hop.beats = self._beats(looked, scores)
        hop.gaps = tuple(self._gaps)
        self._gaps.clear()
        rhythm = self._rhythm.push(hop, self._alarms.take(hop))
        alerts = self._snippets.follow(self._alarms.judge(hop, rhythm))
        state = hop.quality.leads, hop.quality.usable
        changed = [hop.quality] if state != self._told else []
        self._told = state
        return [*changed, *hop.beats, *rhythm, *alerts]

    def _beats(self, looked: _Looked, scores: Iterator[NDArray[np.float32]]) -> tuple[Beat, ...]:
        """Give the beats of a hop that are reported, with their labels."""
        end = looked.hop.block.end_sample
        labelled = self._classifier.label(looked.windows, scores, end - 1)
        rr_s = looked.rr_s
        beats = [beat for beat in labelled if beat.sample in rr_s]
        beats = [
            beat if rr_s[beat.sample] == beat.rr_s else replace(beat, rr_s=rr_s[beat.sample])
            for beat in beats
        ]
        if looked.captured and self.limits.is_paced(looked.hop.paced):
            beats = [
                replace(beat, label=AamiClass.Q) if beat.sample in looked.captured else beat
                for beat in beats
            ]
        return tuple(beats)


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """One hop before its beats are labelled.

    ``signal`` is all that came, the pulse waveform too. ``rr_s`` gives the RR interval of each beat
    that is reported, by sample. ``captured`` are the R peaks that follow a pacing pulse.
    """

    signal: Samples
    hop: Hop
    windows: list[BeatWindow]
    rr_s: dict[int, float | None]
    captured: frozenset[int]
