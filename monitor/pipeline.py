"""The signal path, on one screen: samples in, events out.

``Pipeline`` is pure: it owns no clock, socket, file or thread. The same samples give
bit-identical events however they are chunked.
"""

from __future__ import annotations

import numpy as np

from models.bundle import load_bundle
from monitor.config import AlarmSettings, Settings
from monitor.messages import Event, Gap, Hop, Quality, Samples, StreamInfo
from monitor.stages.alarms import AlarmStage
from monitor.stages.blocks import Blocks
from monitor.stages.classify import Classifier
from monitor.stages.detect import make_detector
from monitor.stages.evidence import Evidence
from monitor.stages.quality import QualityGate
from monitor.stages.rhythm import RhythmStage
from monitor.stages.segment import Segmenter
from monitor.stages.shutdown import Shutdown


class Pipeline:
    """Everything that decides, for one stream.

    Parameters
    ----------
    info
        The stream to analyse.
    settings
        Limits, detector and model; the defaults need no file.

    Raises
    ------
    MonitorError
        If the detector or the model named in the settings cannot be had.
    """

    def __init__(self, info: StreamInfo, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.info = info
        bundle = load_bundle(settings.classify.model)
        self._blocks = Blocks(info, settings.blocks)
        self._gate = QualityGate(info, settings.quality)
        self._detector = make_detector(info, settings.detect)
        self._segmenter = Segmenter(info, bundle.manifest)
        self._classifier = Classifier(info, bundle)
        self._rhythm = RhythmStage(info, settings.rhythm)
        self._alarms = AlarmStage(info, settings.alarms)
        self._evidence = Evidence(info)
        self._shutdown = Shutdown(info)
        self._quality: Quality | None = None

    def push(self, samples: Samples) -> list[Event]:
        """Take the next samples of the stream; give what could be decided with them."""
        events: list[Event] = []
        for item in self._blocks.push(samples):
            if isinstance(item, Gap):
                events.append(item)
            else:
                events += self._push_hop(item)
        return events

    def flush(self) -> list[Event]:
        """End of the stream: decide what was still waiting for later samples."""
        events: list[Event] = []
        for block in self._blocks.flush():
            events += self._push_hop(block)
        if self._quality is None:  # there was no sample at all
            return events
        end = self._blocks.expected_sample
        nothing = np.empty((0, len(self.info.leads)), np.float32)
        block = Samples(self.info.stream, end, nothing)
        rpeaks = self._detector.flush()
        windows = self._segmenter.push(block, rpeaks, end) + self._segmenter.flush()
        beats = self._shutdown.outside(self._classifier.push(windows, end - 1))
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

    def set_limits(self, limits: AlarmSettings) -> list[Event]:
        """Go on with other limits from the current sample on; alarms switched off are cleared."""
        return [*self._alarms.set_limits(limits)]

    def _push_hop(self, block: Samples) -> list[Event]:
        self._evidence.push(block)
        quality = self._gate.push(block)
        rpeaks = self._detector.push(block, quality)
        windows = self._segmenter.push(block, rpeaks, self._detector.settled_sample)
        self._shutdown.push(quality)
        beats = self._shutdown.outside(self._classifier.push(windows, block.end_sample - 1))
        hop = Hop(block, quality, tuple(self._shutdown.outside(rpeaks)), tuple(beats))
        rhythm = self._rhythm.push(hop)
        alerts = self._evidence.snippets(self._alarms.push(hop, rhythm))
        changed = self._quality is None or (quality.leads, quality.usable) != (
            self._quality.leads,
            self._quality.usable,
        )
        self._quality = quality
        return [*([quality] if changed else []), *beats, *rhythm, *alerts]
