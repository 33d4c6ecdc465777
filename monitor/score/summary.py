"""Totals over records: gross (counts added up) and average (every record weighs the same)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.score.episodes import EpisodeScore
from monitor.score.figures import Figures, cells, figures, percent, ratios
from monitor.score.record import Conditions, RecordScore
from monitor.score.runs import RunScore


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Figures over many records, percent; ``q_se``, ``v_pp`` ... are the gross ones.

    ``average`` is the mean over the records in which a figure is defined; ``rr_error_ms`` the
    mean of the records' RR errors as printed, to two decimals. ``paced`` names the records
    with paced beats. ``runs`` and ``episodes`` hold the sums over all records, and are empty
    if any record was scored for its beats only; ``heart_rate_error_percent`` is the mean of the
    records' errors.
    """

    records: tuple[str, ...]
    conditions: Conditions
    matrix: NDArray[np.int64]
    gross: Figures
    average: Figures
    rr_error_ms: float | None
    shutdown_s: float
    shutdown_whole_s: int
    paced: tuple[str, ...]
    runs: tuple[RunScore, ...]
    run_averages: tuple[dict[str, float | None], ...]
    episodes: tuple[EpisodeScore, ...]
    heart_rate_error_percent: float | None

    @property
    def q_se(self) -> float | None:
        """QRS sensitivity, gross."""
        return self.gross.q_se

    @property
    def q_pp(self) -> float | None:
        """QRS positive predictivity, gross."""
        return self.gross.q_pp

    @property
    def v_se(self) -> float | None:
        """Ventricular sensitivity, gross."""
        return self.gross.v_se

    @property
    def v_pp(self) -> float | None:
        """Ventricular positive predictivity, gross."""
        return self.gross.v_pp

    @property
    def s_se(self) -> float | None:
        """Supraventricular sensitivity, gross."""
        return self.gross.s_se

    @property
    def s_pp(self) -> float | None:
        """Supraventricular positive predictivity, gross."""
        return self.gross.s_pp

    @property
    def f_se(self) -> float | None:
        """Fusion sensitivity, gross."""
        return self.gross.f_se

    @property
    def f_pp(self) -> float | None:
        """Fusion positive predictivity, gross."""
        return self.gross.f_pp

    @property
    def false_negatives(self) -> int:
        """Reference beats missed, in shutdown or not."""
        return cells(self.matrix, "NSVFQ", "ox")

    @property
    def false_positives(self) -> int:
        """False test beats."""
        return cells(self.matrix, "OX", "nsvfq")


def mean_percent(parts: Sequence[tuple[int, int]]) -> float | None:
    """Mean of the defined ratios, in percent."""
    defined = [a / b for a, b in parts if b > 0]
    return percent(sum(defined), len(defined))


def summarise(scores: Sequence[RecordScore]) -> Summary:
    """Add up the scores of many records.

    Raises
    ------
    MonitorError
        If there are none, or they were made under different conditions.
    """
    if not scores:
        raise MonitorError("no records to summarise")
    if len({score.conditions for score in scores}) > 1:
        raise MonitorError("scores made under different conditions cannot be added up")
    matrix = np.sum([score.matrix for score in scores], axis=0)
    per_record = [ratios(score.matrix) for score in scores]
    average = {name: mean_percent([r[name] for r in per_record]) for name in Figures.names()}
    errors = [float(f"{s.rr_error_ms:.2f}") for s in scores if s.rr_error_ms is not None]
    runs = list(zip(*(score.runs for score in scores), strict=False))
    rhythms = list(zip(*(score.episodes for score in scores), strict=False))
    rates = [s.heart_rate.error_percent for s in scores if s.heart_rate is not None]
    return Summary(
        records=tuple(score.record for score in scores),
        conditions=scores[0].conditions,
        matrix=matrix,
        gross=figures(matrix),
        average=Figures(**average),
        rr_error_ms=percent(sum(errors) / 100.0, len(errors)),
        shutdown_s=sum(score.shutdown_s for score in scores),
        shutdown_whole_s=sum(score.shutdown_whole_s for score in scores),
        paced=tuple(score.record for score in scores if score.paced),
        runs=tuple(_add_runs(column) for column in runs),
        run_averages=tuple(_average_runs(column) for column in runs),
        episodes=tuple(_add_episodes(column) for column in rhythms),
        heart_rate_error_percent=sum(rates) / len(rates) if rates else None,
    )


def _add_runs(scores: Sequence[RunScore]) -> RunScore:
    return RunScore(
        scores[0].kind,
        np.sum([score.sensitivity for score in scores], axis=0),
        np.sum([score.predictivity for score in scores], axis=0),
    )


def _average_runs(scores: Sequence[RunScore]) -> dict[str, float | None]:
    """Mean of every run figure over the records in which it is defined."""
    per_record = [score.figures() for score in scores]
    averages: dict[str, float | None] = {}
    for name in per_record[0]:
        defined = [value for r in per_record if (value := r[name]) is not None]
        averages[name] = sum(defined) / len(defined) if defined else None
    return averages


def _add_episodes(scores: Sequence[EpisodeScore]) -> EpisodeScore:
    names = [field.name for field in fields(EpisodeScore) if field.name != "kind"]
    sums = {name: sum(getattr(score, name) for score in scores) for name in names}
    return EpisodeScore(kind=scores[0].kind, **sums)
