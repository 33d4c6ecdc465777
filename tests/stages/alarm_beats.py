"""Beats and signal states made by hand, and the alarms they give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.config import AlarmSettings, RhythmSettings, WatchSettings
from monitor.messages import (
    AamiClass,
    Alert,
    AlertKind,
    AlertState,
    Beat,
    LeadState,
    Quality,
    RPeak,
    Samples,
    StreamInfo,
)
from monitor.stages.alarms import AlarmStage
from monitor.stages.hop import Hop
from monitor.stages.rhythm import RhythmStage
from monitor.stages.watch import Watch

RATE_HZ = 200.0
HOP = 50
INFO = StreamInfo("bed1", RATE_HZ, ("II",))
PEAK_DELAY = 60
LABEL_DELAY = 240


def hops(
    beats: Sequence[tuple[float, str]],
    end_s: float,
    states: Sequence[tuple[float, float, LeadState]] = (),
    signal_mv: NDArray[np.float32] | None = None,
) -> list[Hop]:
    """Hops with beats at given seconds, announced as late as in the real pipeline."""
    if signal_mv is None:
        signal_mv = np.zeros((int(end_s * RATE_HZ), 1), np.float32)
    samples = [(round(t * RATE_HZ), AamiClass(label)) for t, label in beats]
    made = []
    watch = Watch(INFO, WatchSettings())
    for start in range(0, int(end_s * RATE_HZ), HOP):
        end = start + HOP
        state = LeadState.OK
        for low, high, name in states:
            if low <= start / RATE_HZ < high:
                state = name
        usable = state is LeadState.OK
        rpeaks = tuple(
            RPeak("bed1", s, end - 1) for s, _ in samples if start <= s + PEAK_DELAY < end
        )
        labelled = tuple(
            Beat("bed1", s, end - 1, label, certain(label), None, 0, "made")
            for s, label in samples
            if start <= s + LABEL_DELAY < end
        )
        quality = Quality("bed1", start, end, (state,), usable)
        block = Samples("bed1", start, signal_mv[start:end])
        watch.push(block, quality)
        found, watched = watch.take(rpeaks)
        made.append(Hop(block, quality, watched, tuple(found), labelled))
    return made


def certain(label: AamiClass) -> tuple[float, float, float, float, float]:
    n, s, v, f, q = (float(label is each) for each in AamiClass)
    return n, s, v, f, q


def steady(
    bpm: float, start_s: float, end_s: float, labels: str = "N", early_s: float = 0.0
) -> list[tuple[float, str]]:
    """Beats at a steady rate with labels in rotation, all but the N so much early."""
    rr_s = 60.0 / bpm
    count = int((end_s - start_s) / rr_s)
    turns = [labels[i % len(labels)] for i in range(count)]
    return [(start_s + i * rr_s - early_s * (turn != "N"), turn) for i, turn in enumerate(turns)]


def stages(
    info: StreamInfo = INFO, settings: AlarmSettings | None = None
) -> tuple[RhythmStage, AlarmStage]:
    limits, watch = settings or AlarmSettings(), WatchSettings()
    return RhythmStage(info, RhythmSettings(), watch, limits), AlarmStage(info, limits, watch)


def heard(rhythm: RhythmStage, alarms: AlarmStage, hop: Hop) -> list[Alert]:
    """What the alarms say of a hop, each stage told what the other found."""
    return alarms.judge(hop, rhythm.push(hop, alarms.take(hop)))


def run(made: Sequence[Hop], settings: AlarmSettings | None = None) -> list[Alert]:
    rhythm, alarms = stages(settings=settings)
    return [alert for hop in made for alert in heard(rhythm, alarms, hop)]


def raised(alerts: Sequence[Alert]) -> dict[AlertKind, Alert]:
    return {a.kind: a for a in alerts if a.state is AlertState.RAISED}


def physiological(alerts: Sequence[Alert]) -> set[AlertKind]:
    return set(raised(alerts)) - {AlertKind.LEARNING}
