"""Figures of the service in Prometheus' form, by its own client library."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from monitor import __version__
from monitor.messages import AamiClass, Alert, AlertState, Beat, Samples
from monitor.metrics.health import Health
from monitor.wire.protocol import Body, Heartbeat, StreamState, StreamStatus

LAG_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0)
TURN_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64)
_SOURCE_COUNTS = ("lost_samples", "lost_messages", "duplicates", "reordered")


class Figures:
    """Counts what is published; labels are kinds, never streams.

    Parameters
    ----------
    health
        Where the streams stand.
    storage
        Tells what cannot be stored and why, by store; the stores are always the same.
    """

    def __init__(self, health: Health, storage: Callable[[], Mapping[str, str]]) -> None:
        self.registry = registry = CollectorRegistry()
        self._health = health
        self._storage = storage
        self._source: dict[str, StreamState] = {}
        self._refused = self._unknown = self._denied = 0
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"ecg_monitor_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"ecg_monitor_{name}", text, labels, registry=registry)

        gauge("info", "Version of the service", "version").labels(__version__).set(1)
        self._samples = counter("samples", "Samples analysed, each with all its leads")
        self._beats = counter("beats", "Beats labelled, by AAMI class", "label")
        self._by_label = {label: self._beats.labels(label.value) for label in AamiClass}
        self._alerts = counter("alerts", "Alerts raised", "kind", "priority")
        self._refusals = counter("refused_messages", "Messages that broke the rules")
        self._denials = counter("denied", "Connections and messages refused for who sent them")
        self._unknowns = counter("unknown_messages", "Messages of a kind that is not known")
        self._missing = {
            field: counter(field, f"{field.replace('_', ' ').capitalize()} on the way to us")
            for field in _SOURCE_COUNTS
        }
        self._lag = Histogram(
            "ecg_monitor_lag_seconds",
            "Age of the newest samples of each live stream when analysed, once a second",
            buckets=LAG_BUCKETS_S,
            registry=registry,
        )
        self._turn = Histogram(
            "ecg_monitor_turn_seconds",
            "Time one turn of the service's loop takes, without waiting",
            buckets=TURN_BUCKETS_S,
            registry=registry,
        )
        self._batch = Histogram(
            "ecg_monitor_batch_messages",
            "Messages taken in one turn that had any",
            buckets=BATCHES,
            registry=registry,
        )
        streams = gauge("streams", "Streams, by status", "status")
        for status in StreamStatus:
            streams.labels(status.value).set_function(partial(self._count, status.value))
        gauge("unwatched_streams", "Streams stale, refused or quarantined").set_function(
            health.unwatched
        )
        gauge("lag_max_seconds", "Lag of the live stream furthest behind").set_function(
            health.lag_s
        )
        failing = gauge("storage_failing", "1 while something cannot be stored there", "store")
        for store in storage():
            failing.labels(store).set_function(partial(self._failing, store))

    def deliver(self, body: Body) -> None:
        """Take one message that is being published."""
        match body:
            case Samples():
                self._samples.inc(len(body.values_mv))
            case Beat():
                self._by_label[body.label].inc()
            case Alert(state=AlertState.RAISED):
                self._alerts.labels(body.kind.value, body.priority.value).inc()
            case StreamState():
                self._stream(body)
            case Heartbeat():
                self._refusals.inc(max(body.refused - self._refused, 0))
                self._unknowns.inc(max(body.unknown - self._unknown, 0))
                self._denials.inc(max(body.denied - self._denied, 0))
                self._refused, self._unknown = body.refused, body.unknown
                self._denied = body.denied
                if len(self._source) > 2 * body.streams + 64:  # of streams that are forgotten
                    self._source.clear()
        self._health.take(body, time.monotonic())

    def turned(self, messages: int, seconds: float) -> None:
        """Take what one turn of the loop was."""
        self._turn.observe(seconds)
        if messages:
            self._batch.observe(messages)

    def _count(self, status: str) -> float:
        return self._health.streams()[status]

    def _failing(self, store: str) -> float:
        return float(bool(self._storage()[store]))

    def _stream(self, state: StreamState) -> None:
        before = self._source.get(state.stream)
        for field, metric in self._missing.items():
            now, was = getattr(state, field), getattr(before, field) if before else 0
            metric.inc(now - was if now >= was else now)
        self._source[state.stream] = state
        if state.status is StreamStatus.LIVE and state.lag_s is not None:
            self._lag.observe(state.lag_s)
