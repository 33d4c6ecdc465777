"""The analysis of one stream, as the service runs it: samples in order, faults contained. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from monitor.config import AlarmSettings
from monitor.errors import MonitorError
from monitor.messages import AlertKind, Event, Quality, Rhythm, Samples, StreamInfo
from monitor.service.alert_book import AlertBook
from monitor.service.intake import Losses, SenderRate
from monitor.service.load import Pace
from monitor.stages.steps import Steps, run_alone
from monitor.wire.protocol import Body, Limits
from monitor.wire.sequence import Reorder


class Analysis(Protocol):
    """Analyses one stream, as :class:`monitor.pipeline.Pipeline` does."""

    def steps(self, samples: Samples) -> Steps[list[Event]]:
        """Take samples, give events; the caller runs the network between the steps."""
        ...

    def flush(self) -> list[Event]:
        """Give the events that still waited for samples."""
        ...

    def acknowledge(self, alert_id: int | None) -> list[Event]:
        """Acknowledge one alert or all."""
        ...

    @property
    def limits(self) -> AlarmSettings:
        """Alarm limits in force."""
        ...

    @property
    def judges(self) -> bool:
        """Every alarm could be raised now, so that a missing one proves something."""
        ...

    def set_limits(self, limits: AlarmSettings) -> list[Event]:
        """Change the alarm limits."""
        ...


MakeAnalysis = Callable[[StreamInfo], Analysis]


def reason_of(error: Exception) -> str:
    """Give in one line why an analysis failed; a defect is named by its type."""
    text = " ".join(str(error).split())
    return text if isinstance(error, MonitorError) else f"{type(error).__name__}: {text}"


class AnalysisRun:
    """Runs the analyses of one stream, one after the other, on its samples in order.

    Parameters
    ----------
    info
        As first announced.
    make_analysis
        Makes an analysis, when the first samples come.
    alerts
        Alerts of the stream.
    pace
        Measures speed and lag of the stream.
    failed
        Takes why the analysis failed, which is dropped then; gives the messages of that.

    Attributes
    ----------
    info
        As last announced; ``start_sample`` is where the analysis began.
    limits_set
        The limits that a person has set; None for the default.
    quality, rhythm
        The newest ones of the analysis.
    """

    def __init__(
        self,
        info: StreamInfo,
        make_analysis: MakeAnalysis,
        alerts: AlertBook,
        pace: Pace,
        failed: Callable[[str], list[Body]],
    ) -> None:
        self.info = info
        self.limits_set: AlarmSettings | None = None
        self.quality: Quality | None = None
        self.rhythm: Rhythm | None = None
        self._make = make_analysis
        self._alerts = alerts
        self._pace = pace
        self._failed = failed
        self._analysis: Analysis | None = None
        self._losses = Losses(alerts, info)
        self._rate = SenderRate(info.rate_hz)
        self._reorder = Reorder(info.rate_hz, info.start_sample)

    @property
    def running(self) -> bool:
        """There is an analysis."""
        return self._analysis is not None

    @property
    def next_sample(self) -> int:
        """Index of the next sample that has not been seen."""
        return self._losses.next_sample

    @property
    def newest_sample(self) -> int:
        """Index of the newest sample that has been seen; 0 before the first."""
        return max(self.next_sample - 1, 0)

    @property
    def lost_samples(self) -> int:
        """Samples missing so far."""
        return self._losses.samples

    @property
    def repeating(self) -> bool:
        """The newest samples had been seen before."""
        return self._losses.repeating

    @property
    def limits(self) -> AlarmSettings | None:
        """Alarm limits in force; None before the first samples."""
        return self._analysis.limits if self._analysis is not None else self.limits_set

    def move(self, sample: int) -> None:
        """Go on at a sample; what lies before it is no loss."""
        self._losses.move(sample)

    def announced(self, info: StreamInfo) -> None:
        """Take a new announcement, after the former analysis is finished."""
        self.info = info
        self._losses.begin(info)
        self._rate = SenderRate(info.rate_hz)

    def resume(self, sample: int) -> list[Body]:
        """Go on after a restart of the service; mark what is missing before ``sample``."""
        self.info = replace(self.info, start_sample=max(sample, self.next_sample))
        return [*self._losses.resumed(self.info)]

    def join(self, sample: int) -> None:
        """Begin in the middle of a stream: what came before is no loss."""
        if sample > self.info.start_sample:
            self.info = replace(self.info, start_sample=sample)
            self._losses.move(sample)

    def start(self) -> list[Body]:
        """Make the analysis; there is none afterwards if that failed."""
        try:
            self._analysis = self._make(self.info)
            self._reorder = Reorder(self.info.rate_hz, self.info.start_sample)
            if self.limits_set is not None:
                self._analysis.set_limits(self.limits_set)
        except Exception as error:
            return self._failed(reason_of(error))
        return []

    def push(self, samples: Samples) -> Steps[list[Body]]:
        """Analyse what is in order with these samples."""
        return (yield from self._analysed(self._reorder.push(samples)))

    def release(self) -> list[Body]:
        """Analyse samples that still wait for earlier ones."""
        return run_alone(self._analysed(self._reorder.release()))

    def finish(self) -> list[Body]:
        """End the analysis: give what it still holds."""
        if self._analysis is None:
            return []
        out = self.release()
        out += self._losses.repeated(self.info.stream)
        if self._analysis is not None:
            out += self._guarded(self._analysis.flush)
        self._analysis = self.quality = self.rhythm = None
        self._alerts.next_run()
        return out

    def drop(self) -> None:
        """Give the analysis up, without what it still holds."""
        if self._analysis is not None:
            self._analysis = None
            self._alerts.next_run()

    def acknowledge(self, alert_id: int | None) -> list[Body]:
        """Acknowledge one alert of the analysis or all (None)."""
        if self._analysis is None:
            return []
        analysis, own = self._analysis, self._alerts.own_id(alert_id)
        return self._guarded(lambda: analysis.acknowledge(own))

    def set_limits(self, limits: AlarmSettings) -> list[Body]:
        """Set the alarm limits of this and of later analyses."""
        self.limits_set = limits
        out: list[Body] = [Limits(self.info.stream, self.newest_sample, limits)]
        if self._analysis is None:
            return out
        analysis = self._analysis
        return [*out, *self._guarded(lambda: analysis.set_limits(limits))]

    def _analysed(self, ready: Iterable[Samples]) -> Steps[list[Body]]:
        out: list[Body] = []
        for samples in ready:
            if (analysis := self._analysis) is None:
                break
            if self._losses.known(samples):
                continue
            out += self._losses.repeated(self.info.stream)
            out.append(samples)
            self._pace.took(samples, self.info.rate_hz)
            out += self._losses.took(samples)
            out += self._check_rate(samples)
            try:
                events = yield from analysis.steps(samples)
            except Exception as error:
                return [*out, *self._failed(reason_of(error))]
            for event in events:
                if isinstance(event, Quality):
                    self.quality = event
                elif isinstance(event, Rhythm):
                    self.rhythm = event
            length = len(samples.values_mv)
            out += self._alerts.analysed(events, length, analysis.judges, self.newest_sample)
        return out

    def _check_rate(self, samples: Samples) -> list[Body]:
        """Raise an alarm while the sender's clock contradicts the sampling rate."""
        text, kind = self._rate.problem(samples), AlertKind.SAMPLING_RATE
        if text:
            sample = samples.start_sample
            return [*self._alerts.raised(kind, sample, self.newest_sample, text)]
        return [*self._alerts.cleared(self.newest_sample, kind)]

    def _guarded(self, work: Callable[[], list[Event]]) -> list[Body]:
        """Run a step of the analysis; a fault in it concerns this stream alone."""
        try:
            events = work()
        except Exception as error:
            return self._failed(reason_of(error))
        return [*self._alerts.found(events)]
