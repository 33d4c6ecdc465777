"""All that a report holds, made from an analysis; page and document only draw it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.analysis import Analysis
from monitor.pictures.drawing import Drawing
from monitor.report.beat_table import BeatTable
from monitor.report.chosen import Shown, chosen
from monitor.report.figures import Figures, figures
from monitor.report.templates import Group, groups
from monitor.score import RecordScore


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A report.

    Parameters
    ----------
    analysis
        The recording, with the labels as a reader has corrected them.
    figures
        What was counted and measured.
    groups
        The beats of each class by shape.
    shown
        Strips worth showing.
    score
        The comparison with a reference, if there is one.
    reference
        Name of the reference annotations, or why there is no comparison.
    edited
        Number of beats whose label a reader has changed; None if nobody has edited.
    """

    analysis: Analysis
    figures: Figures
    groups: tuple[Group, ...]
    shown: tuple[Shown, ...]
    score: RecordScore | None = None
    reference: str = ""
    edited: int | None = None

    @property
    def title(self) -> str:
        """Title of page and document."""
        return f"ECG report {self.analysis.name}"

    def strip(self, shown: Shown, length_s: float) -> Drawing:
        """Draw one of the strips worth showing."""
        return self.analysis.strip(shown.at_s, length_s, (), shown.title, shown.span_s)


def make_report(
    analysis: Analysis,
    score: RecordScore | None = None,
    reference: str = "",
    edited: int | None = None,
) -> Report:
    """Count, measure, group and choose.

    The parameters are those of :class:`Report`.
    """
    info = analysis.info
    table = BeatTable.of(analysis.beats, info.rate_hz, info.start_sample)
    found = figures(
        table,
        analysis.rhythms,
        analysis.quality,
        analysis.holes,
        analysis.raised,
        info.rate_hz,
        info.start_sample,
        analysis.end_sample,
    )
    places = np.array([beat.sample for beat in analysis.beats], np.int64) - info.start_sample
    leads = analysis.values_mv[:, : len(info.ecg.leads)]
    alike = groups(leads, info.rate_hz, places, table.labels)
    shown = chosen(found, analysis.raised, info.rate_hz, info.start_sample)
    return Report(analysis, found, alike, shown, score, reference, edited)
