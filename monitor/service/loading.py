"""Load the analysis once, for all streams of a process."""

from __future__ import annotations

from collections.abc import Callable

from monitor.config import Settings
from monitor.messages import StreamInfo
from monitor.models.bundle import load_bundle
from monitor.pipeline import Pipeline


def load_analysis(settings: Settings) -> Callable[[StreamInfo], Pipeline]:
    """Load the model now, so that no stream waits for it, and check the settings.

    Raises
    ------
    MonitorError
        If the settings do not give an analysis.
    """
    bundle = load_bundle(settings.classify.model)  # shared: beats are labelled in one batch

    def make(info: StreamInfo) -> Pipeline:
        return Pipeline(info, settings, bundle)

    make(StreamInfo("warm-up", 360.0, ("II",)))
    return make
