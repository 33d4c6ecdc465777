"""Run a source through the pipeline in one thread, at a given speed: the local feed.

A thin shell: it owns the clock, decides nothing. Analysis is loaded (torch takes seconds)
while the first samples are already shown; they wait in a backlog and are analysed as soon
as the pipeline is there, so no event is lost and none depends on how long loading took.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

from monitor.config import Settings
from monitor.feed import Deliver, Status
from monitor.messages import End, Samples, StreamInfo
from monitor.sources import Source

if TYPE_CHECKING:
    from monitor.pipeline import Pipeline

STATUS_PERIOD_S = 0.5
NO_SAMPLES = "no samples are coming in"
SILENT_S = 3.0  # without samples for so long is said
LOOK_UP_S = 0.05  # while waiting for the analysis, a request to stop is seen within this time

Clock = Callable[[], float]


class LocalFeed:
    """Source, pacing and pipeline as one :class:`~monitor.feed.Feed`.

    Parameters
    ----------
    open_source
        Opens the source; called in the worker, since it may be slow and may fail.
    settings
        For the pipeline.
    speed
        1 is real time, 10 ten times as fast; None as fast as the machine goes.
    clock
        Monotonic seconds.
    live
        The source sets the pace; ``speed`` holds it back further, if given.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        settings: Settings,
        speed: float | None = 1.0,
        clock: Clock = time.monotonic,
        live: bool = False,
    ) -> None:
        self._open = open_source
        self._settings = settings
        self._speed = speed
        self._live = live
        self._said = ""
        self._clock = clock
        self._stop = threading.Event()
        self._wishes: deque[int | None] = deque()
        self._over: tuple[Pipeline, Deliver] | None = None
        self._wishing = threading.RLock()

    def run(self, deliver: Deliver) -> None:
        """Analyse until the source ends or :meth:`stop` is called.

        Raises
        ------
        MonitorError
            If the source or the pipeline cannot be had, or the source fails on the way.
        """
        deliver(Status("", "opening the source"))
        source = self._open()
        info = source.info
        deliver(Status("", ""))
        deliver(info)
        deliver(Status(info.stream, "loading the analysis", self._speed))
        loading = load_pipeline(info, self._settings)
        wait_first = self._speed is None and not self._live
        pipeline = self._loaded(loading) if wait_first else None
        if pipeline:
            deliver(Status(info.stream, "", self._speed))
        backlog: deque[Samples] = deque()
        end, status_at, heard_at = info.start_sample, 0.0, self._clock()
        for chunk, lag_s in paced(source.chunks(), info, self._speed, self._stop, self._clock):
            now = self._clock()
            if len(chunk.values_mv):
                deliver(chunk)
                backlog.append(chunk)
                end = chunk.end_sample
                heard_at = now
            if pipeline is None and loading.done():
                pipeline = loading.result()
                status_at = 0.0
            if pipeline is None:
                continue
            self._analyse(pipeline, backlog, deliver)
            if now - status_at >= STATUS_PERIOD_S:
                status_at = now
                silent = now - heard_at >= SILENT_S
                text = NO_SAMPLES if silent else self._said
                deliver(Status(info.stream, text, self._speed, lag_s))
        pipeline = pipeline or self._loaded(loading)
        if pipeline is None:
            return
        self._analyse(pipeline, backlog, deliver)
        for event in pipeline.flush():
            deliver(event)
        deliver(End(info.stream, end))
        deliver(Status(info.stream, "finished", self._speed))
        with self._wishing:
            self._over = pipeline, deliver
            self._acknowledge(pipeline, deliver)

    def remark(self, text: str) -> None:
        """Show a remark of the source from now on; called in the thread of :meth:`run`."""
        self._said = text

    def stop(self) -> None:
        """Ask :meth:`run` to return soon; what is being analysed is still flushed."""
        self._stop.set()

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Acknowledge before the next samples are analysed; after the last ones at once."""
        self._wishes.append(alert_id)
        with self._wishing:
            if self._over is not None:
                self._acknowledge(*self._over)

    def _loaded(self, loading: Future[Pipeline]) -> Pipeline | None:
        """Wait for the analysis; None if told to stop before it is there."""
        while not self._stop.is_set() and not wait([loading], LOOK_UP_S).done:
            pass
        return loading.result() if loading.done() else None

    def _analyse(self, pipeline: Pipeline, backlog: deque[Samples], deliver: Deliver) -> None:
        self._acknowledge(pipeline, deliver)
        while backlog:
            for event in pipeline.push(backlog.popleft()):
                deliver(event)

    def _acknowledge(self, pipeline: Pipeline, deliver: Deliver) -> None:
        while self._wishes:
            for event in pipeline.acknowledge(self._wishes.popleft()):
                deliver(event)


def paced(
    chunks: Iterator[Samples],
    info: StreamInfo,
    speed: float | None,
    stop: threading.Event,
    clock: Clock = time.monotonic,
) -> Iterator[tuple[Samples, float | None]]:
    """Hold each chunk back until its last sample is due at ``speed``, until ``stop`` is set.

    Yields
    ------
    The chunk, and by how many seconds it is late (None at full speed).
    """
    began = clock()
    for chunk in chunks:
        if stop.is_set():
            return
        if speed is None:
            yield chunk, None
            continue
        due = began + (chunk.end_sample - info.start_sample) / info.rate_hz / speed
        late_s = clock() - due
        if late_s < 0 and stop.wait(-late_s):
            return
        yield chunk, max(late_s, 0.0)


def load_pipeline(info: StreamInfo, settings: Settings) -> Future[Pipeline]:
    """Import the analysis and make a pipeline in a thread of its own."""
    future: Future[Pipeline] = Future()

    def work() -> None:
        try:
            from monitor.pipeline import Pipeline

            future.set_result(Pipeline(info, settings))
        except BaseException as error:  # handed to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=work, name="load-analysis", daemon=True).start()
    return future
