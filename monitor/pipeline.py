"""The signal path, on one screen: samples in, events out.

``Pipeline`` is pure: it owns no clock, socket, file or thread. The same samples give
bit-identical events however they are chunked.

Nothing up to the network looks at labels, so the path has two halves: all hops that some samples
complete are *looked* at, then their beats are labelled together, then the hops are *judged*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.bundle import Bundle, load_bundle
from monitor.config import AlarmSettings, Settings
from monitor.messages import Beat, Event, Gap, Hop, Pulse, Quality, RPeak, Samples, StreamInfo
from monitor.stages.alarms import AlarmStage
from monitor.stages.blocks import Blocks
from monitor.stages.classify import Classifier, Scores
from monitor.stages.detect import make_detector
from monitor.stages.evidence import Evidence
from monitor.stages.pacing import Pacing
from monitor.stages.pulse import PulseDetector
from monitor.stages.quality import QualityGate
from monitor.stages.rhythm import RhythmStage
from monitor.stages.segment import BeatWindow, Segmenter
from monitor.stages.shutdown import Shutdown
from monitor.stages.steps import Steps, run_alone


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
        self._rhythm = RhythmStage(ecg, settings.rhythm)
        self._alarms = AlarmStage(ecg, settings.alarms)
        self._evidence = Evidence(info)
        self._shutdown = Shutdown(ecg)
        self._quality: Quality | None = None

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
        events = run_alone(self._through(self._blocks.flush()))
        if self._quality is None:  # there was no sample at all
            return events
        end = self._blocks.expected_sample
        nothing = np.empty((0, len(self.info.ecg.leads)), np.float32)
        block = Samples(self.info.stream, end, nothing)
        rpeaks = self._pacing.flush(self._detector.flush())
        windows = self._segmenter.push(block, rpeaks) + self._segmenter.flush()
        intervals = self._shutdown.intervals(windows)
        beats = _with(intervals, self._classifier.push(windows, end - 1))
        hop = Hop(block, self._quality, tuple(self._shutdown.outside(rpeaks)), tuple(beats))
        rhythm = self._rhythm.push(hop)
        alerts = [*self._alarms.push(hop, rhythm), *self._alarms.flush()]
        return [*events, *beats, *rhythm, *self._evidence.snippets(alerts)]

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
        return [*self._alarms.set_limits(limits)]

    def _through(self, items: Sequence[Samples | Gap]) -> Steps[list[Event]]:
        looked = [item if isinstance(item, Gap) else self._look(item) for item in items]
        windows = [w for item in looked if isinstance(item, _Looked) for w in item.windows]
        inputs = self._classifier.prepare(windows)
        scores = (yield inputs) if len(inputs) else np.empty((0, 0), np.float32)
        events: list[Event] = []
        for item in looked:
            if isinstance(item, Gap):
                self._alarms.lose(item)
                events.append(item)
            else:
                count = sum(window.valid for window in item.windows)
                events += self._judge(item, scores[:count])
                scores = scores[count:]
        return events

    def _look(self, signal: Samples) -> _Looked:
        block, pulses = signal, []
        if self._pulse is not None:
            pulses = self._pulse.push(signal)
            block = replace(signal, values_mv=np.ascontiguousarray(signal.values_mv[:, :-1]))
        quality = self._gate.push(block)
        rpeaks = self._pacing.push(block, self._detector.push(block, quality))
        windows = self._segmenter.push(block, rpeaks, quality.leads)
        self._shutdown.push(quality)
        intervals = self._shutdown.intervals(windows)
        rpeaks = self._shutdown.outside(rpeaks)
        return _Looked(signal, block, quality, rpeaks, windows, intervals, pulses)

    def _judge(self, looked: _Looked, scores: Scores) -> list[Event]:
        block, quality = looked.block, looked.quality
        self._evidence.push(looked.signal)
        beats = self._classifier.label(looked.windows, scores, block.end_sample - 1)
        beats = _with(looked.intervals, beats)
        hop = Hop(block, quality, tuple(looked.rpeaks), tuple(beats), tuple(looked.pulses))
        rhythm = self._rhythm.push(hop)
        alerts = self._evidence.snippets(self._alarms.push(hop, rhythm))
        changed = self._quality is None or (quality.leads, quality.usable) != (
            self._quality.leads,
            self._quality.usable,
        )
        self._quality = quality
        return [*([quality] if changed else []), *beats, *rhythm, *alerts]


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """One hop, and what was found in it before anything was labelled."""

    signal: Samples  # all that came
    block: Samples  # the ECG of it
    quality: Quality
    rpeaks: list[RPeak]
    windows: list[BeatWindow]
    intervals: dict[int, float | None]  # RR in seconds, by sample, of beats outside a shutdown
    pulses: list[Pulse]


def _with(intervals: dict[int, float | None], beats: list[Beat]) -> list[Beat]:
    """Give the beats that have an entry, with that as their RR interval."""
    return [replace(b, rr_s=intervals[b.sample]) for b in beats if b.sample in intervals]
