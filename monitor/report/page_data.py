"""What the script of a report's page works on, as one object. Pure."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from monitor.report.contents import Report
from monitor.report.signal_data import signal_data
from monitor.sinks.wfdb_annotations import WfdbAnnotations


def page_data(report: Report) -> dict[str, Any]:
    """Give signal, beats and the annotations that are no beats.

    Places of beats are differences, each to the one before it.
    """
    analysis = report.analysis
    info = analysis.info
    group_of = np.full(len(analysis.beats), -1, np.int64)
    for number, group in enumerate(report.groups):
        group_of[group.members] = number
    annotations = WfdbAnnotations(info)
    for event in analysis.events:
        annotations.add(event)
    rows = annotations.rows(analysis.end_sample)
    samples = [beat.sample for beat in analysis.beats]
    leads = [beat.lead for beat in analysis.beats]
    rate = info.rate_hz
    return {
        "name": analysis.name,
        "rate_hz": rate,
        "rate_text": str(int(rate) if round(rate, 8) == int(rate) else rate),
        "start_sample": info.start_sample,
        "beats": {
            "by": [b - a for a, b in itertools.pairwise([0, *samples])],
            "labels": "".join(beat.label.value for beat in analysis.beats),
            "leads": leads if any(leads) else None,
            "groups": group_of.tolist(),
        },
        "others": [row for row in rows if row[1] not in "NSVFQ"],
        "signal": signal_data(analysis.values_mv, rate, info.ecg.leads),
    }
