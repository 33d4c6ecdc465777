"""Beats and recordings made for the tests of the report."""

from dataclasses import replace

import numpy as np

from monitor.analysis import Analysis
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    LeadState,
    Priority,
    Quality,
    Rhythm,
    StreamInfo,
)
from monitor.report.beat_table import BeatTable

RATE_HZ = 250.0
INFO = StreamInfo("made", RATE_HZ, ("II", "V1"), source="a test")


def table(labels, rr_s=0.8, gaps=()):
    """Beats ``rr_s`` apart (one number or one each); no interval before the first and the gaps."""
    labels = np.array([*labels])
    steps = np.full(len(labels), rr_s) if np.isscalar(rr_s) else np.array(rr_s, float)
    intervals = steps.copy()
    intervals[[0, *gaps]] = np.nan
    return BeatTable(np.cumsum(steps), labels, intervals)


def beats(labels, rr_s=0.8, first_s=0.8):
    step = round(rr_s * RATE_HZ)
    return [
        Beat("made", round(first_s * RATE_HZ) + i * step, 0, AamiClass(label), (1.0, 0, 0, 0, 0),
             None if i == 0 else rr_s, 0, "m")
        for i, label in enumerate(labels)
    ]  # fmt: skip


def alert(kind, at_s, number=0, priority=Priority.LOW):
    sample = round(at_s * RATE_HZ)
    return Alert("made", number, number, AlertKind(kind), priority, AlertState.RAISED, sample,
                 sample + 500, f"{kind} {number}", beats=(sample, sample + 200))  # fmt: skip


def signal_of(found, seconds):
    """A spike of 1 mV at each beat, wide and inverted for V; the second lead is half of it."""
    values = np.zeros((round(seconds * RATE_HZ), 2), np.float32)
    for beat in found:
        wide = 12 if beat.label is AamiClass.V else 4
        shape = np.hanning(2 * wide + 1) * (-1.5 if beat.label is AamiClass.V else 1.0)
        part = slice(beat.sample - wide, beat.sample + wide + 1)
        values[part, 0] += shape[: len(values[part])]
    values[:, 1] = values[:, 0] / 2
    return values


def analysis_of(labels="N" * 5 + "V" + "N" * 5, events=(), seconds=None, rr_s=0.8):
    found = beats(labels, rr_s)
    length = seconds or len(labels) * rr_s + 2
    return Analysis("made", INFO, signal_of(found, length), (*found, *events))


RECORDED_LABELS = "NNNNVNNSNNVNFNNNQN" * 5
RECORDED_EVENTS = (
    Rhythm("made", 0, 0, "N"),
    Rhythm("made", 5000, 5000, "AFIB"),
    Quality("made", 0, 0, (LeadState.OK, LeadState.OK), True),
    Quality("made", 9000, 9000, (LeadState.INVALID, LeadState.NOISY), False),
    Quality("made", 10_000, 10_000, (LeadState.OK, LeadState.NOISY), True),
    alert("couplet", 20.0, 1),
    replace(alert("vt", 30.0, 2, "high"), text='VT </script><script>alert("x")</script> & <b>'),
)
