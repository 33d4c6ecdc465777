"""All figures of a report, from beats and events. Pure but for NeuroKit2, which is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.messages import Alert, Gap, Quality, Rhythm
from monitor.report.beat_table import BeatTable
from monitor.report.ectopy import Ectopy, ectopy
from monitor.report.hours import Hour, hours
from monitor.report.rates import Pause, Rates, longest_interval, pauses, rates
from monitor.report.spans import (
    ATRIAL_FIBRILLATION,
    Span,
    merged,
    rhythm_spans,
    total_s,
    unusable,
    without,
)
from monitor.report.variability import Variability, variability


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What was counted and measured.

    ``unusable`` are the spans without analysis; ``af`` those of atrial fibrillation in what was
    analysed; ``rhythms`` the time of each rhythm, by WFDB's names, longest first.
    """

    duration_s: float
    unusable: tuple[Span, ...]
    table: BeatTable
    beats: dict[str, int]
    rates: Rates
    ventricular: Ectopy
    supraventricular: Ectopy
    pauses: tuple[Pause, ...]
    longest_interval: Pause | None
    rhythms: dict[str, float]
    af: tuple[Span, ...]
    alerts: dict[str, int]
    hours: tuple[Hour, ...]
    variability: Variability | None

    @property
    def analysed_s(self) -> float:
        """Time in which the signal was usable."""
        return self.duration_s - total_s(self.unusable)

    @property
    def af_s(self) -> float:
        """Time in atrial fibrillation."""
        return total_s(self.af)

    @property
    def af_percent(self) -> float | None:
        """Share of atrial fibrillation in the time that was analysed."""
        return 100.0 * self.af_s / self.analysed_s if self.analysed_s > 0 else None


def figures(
    table: BeatTable,
    rhythms: Sequence[Rhythm],
    quality: Sequence[Quality],
    holes: Sequence[Gap],
    raised: Sequence[Alert],
    rate_hz: float,
    start_sample: int,
    end_sample: int,
) -> Figures:
    """Count and measure.

    Parameters
    ----------
    table
        The beats.
    rhythms, quality, holes, raised
        What else was found: changes of rhythm and quality, missing samples, alerts.
    rate_hz, start_sample, end_sample
        Sampling rate, and the samples of the recording.
    """
    duration_s = (end_sample - start_sample) / rate_hz
    bad = unusable(quality, holes, rate_hz, start_sample, end_sample)
    named = rhythm_spans(rhythms, rate_hz, start_sample, end_sample)
    lasting: Counter[str] = Counter()
    for name, span in named:
        lasting[name] += total_s(without([span], bad))  # type: ignore[assignment]
    af = without(merged(span for name, span in named if name == ATRIAL_FIBRILLATION), bad)
    v, s = ectopy(table, "V"), ectopy(table, "S")
    stops = pauses(table)
    return Figures(
        duration_s,
        bad,
        table,
        {label: int(table.is_label(label).sum()) for label in "NSVFQ"},
        rates(table),
        v,
        s,
        stops,
        longest_interval(table),
        dict(lasting.most_common()),
        af,
        dict(sorted(Counter(alert.kind.value for alert in raised).items())),
        hours(table, duration_s, bad, af, v.runs, s.runs, stops),
        variability(table),
    )
