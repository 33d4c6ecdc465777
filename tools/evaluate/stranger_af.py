"""The section ``af`` of ``strangers``."""

from __future__ import annotations

from tools.evaluate.stranger_alarms import atrial
from tools.evaluate.study import Study


def section(study: Study) -> str:
    """Measure, and give the table."""
    return atrial(study, "Atrial fibrillation")
