"""The local feed: run a source through the pipeline in one thread, at a given speed.

A thin shell: it owns the clock and decides nothing. The analysis takes seconds to load (torch).
Meanwhile samples are shown and wait in a backlog; they are analysed as soon as the pipeline is
there. So no event is lost, and no event depends on the loading time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

from monitor.config import Settings
from monitor.feeds.feed import Deliver, Status
from monitor.feeds.pace import Clock, paced
from monitor.messages import End, Samples, StreamInfo
from monitor.sources import Source

if TYPE_CHECKING:
    from monitor.pipeline import Pipeline

STATUS_PERIOD_S = 0.5
NO_SAMPLES = "no samples are coming in"
SILENT_S = 3.0  # without samples for this long: tell the user
LOOK_UP_S = 0.05  # a request to stop is seen within this time while the analysis loads


class LocalFeed:
    """Source, pacing and pipeline as one :class:`~monitor.feeds.feed.Feed`.

    Parameters
    ----------
    open_source
        Opens the source. Called in the worker thread, since it may be slow or fail.
    settings
        For the pipeline.
    speed
        1 is real time, 10 is ten times as fast, None is full speed.
    clock
        Monotonic seconds.
    live
        The source sets the pace. A ``speed`` can only slow it down.
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
        self._remark = ""
        self._clock = clock
        self._stop = threading.Event()
        self._acknowledgements: deque[int | None] = deque()
        self._finished: tuple[Pipeline, Deliver] | None = None
        self._after_end = threading.RLock()

    def run(self, deliver: Deliver) -> None:
        """Analyse until the source ends or :meth:`stop` is called.

        Raises
        ------
        MonitorError
            If the source or the pipeline cannot be opened, or the source fails while it is read.
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
                text = NO_SAMPLES if silent else self._remark
                deliver(Status(info.stream, text, self._speed, lag_s))
        pipeline = pipeline or self._loaded(loading)
        if pipeline is None:
            return
        self._analyse(pipeline, backlog, deliver)
        for event in pipeline.flush():
            deliver(event)
        deliver(End(info.stream, end))
        deliver(Status(info.stream, "finished", self._speed))
        with self._after_end:
            self._finished = pipeline, deliver
            self._acknowledge(pipeline, deliver)

    def remark(self, text: str) -> None:
        """Show this remark of the source from now on; called in the thread of :meth:`run`."""
        self._remark = text

    def stop(self) -> None:
        """Ask :meth:`run` to return soon; it still flushes the pipeline."""
        self._stop.set()

    def fetch_strip(self, stream: str, alert_id: int) -> None:
        """Do nothing: every snippet has been delivered."""

    def acknowledge(self, stream: str, alert_id: int | None) -> None:
        """Acknowledge before the next samples are analysed; after the end, at once."""
        self._acknowledgements.append(alert_id)
        with self._after_end:
            if self._finished is not None:
                self._acknowledge(*self._finished)

    def _loaded(self, loading: Future[Pipeline]) -> Pipeline | None:
        """Wait for the analysis; None if stopped before it is loaded."""
        while not self._stop.is_set() and not wait([loading], LOOK_UP_S).done:
            pass
        return loading.result() if loading.done() else None

    def _analyse(self, pipeline: Pipeline, backlog: deque[Samples], deliver: Deliver) -> None:
        self._acknowledge(pipeline, deliver)
        while backlog:
            for event in pipeline.push(backlog.popleft()):
                deliver(event)

    def _acknowledge(self, pipeline: Pipeline, deliver: Deliver) -> None:
        while self._acknowledgements:
            for event in pipeline.acknowledge(self._acknowledgements.popleft()):
                deliver(event)


def load_pipeline(info: StreamInfo, settings: Settings) -> Future[Pipeline]:
    """Import the analysis and make a pipeline, in a thread of its own."""
    future: Future[Pipeline] = Future()

    def work() -> None:
        try:
            from monitor.pipeline import Pipeline

            future.set_result(Pipeline(info, settings))
        except BaseException as error:  # raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=work, name="load-analysis", daemon=True).start()
    return future
