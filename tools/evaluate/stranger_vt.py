"""The section ``vt`` of ``strangers``."""

from __future__ import annotations

from monitor.messages import AlertKind
from tools.evaluate.stranger_alarms import waveform
from tools.evaluate.study import Study


def section(study: Study) -> str:
    """Measure, and give the tables."""
    return waveform(study, "Ventricular tachycardia", AlertKind.VT)
