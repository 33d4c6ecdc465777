"""Turn scores into a JSON document; its keys are a public format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from monitor.score.beats import COLUMNS, ROWS
from monitor.score.episodes import EpisodeScore
from monitor.score.figures import Matrix, cells, ratios
from monitor.score.record import Conditions, RecordScore
from monitor.score.runs import RunScore
from monitor.score.summary import Summary, summarise

FORMAT = "ecg-monitor-score/1"

Document = dict[str, Any]


def document(scores: Sequence[RecordScore]) -> Document:
    """Make the document of many records: conditions, every record, totals.

    Percentages are numbers or null where the denominator is zero, times are in seconds.
    """
    return {
        "format": FORMAT,
        "conditions": _conditions(scores[0].conditions) if scores else {},
        "records": [_record(score) for score in scores],
        "total": _total(summarise(scores)),
    }


def _conditions(rules: Conditions) -> Document:
    return {
        "standard": not rules.deviations,
        "deviations": list(rules.deviations),
        "window_ms": rules.window_s * 1000.0,
        "start_s": rules.start_s,
        "end_s": rules.end_s,
        "class_map": rules.classes,
    }


def _beats(matrix: Matrix) -> Document:
    missed = {row: cells(matrix, row, "x") for row in "NSVFQ"}
    return {
        "confusion": {"rows": list(ROWS), "columns": list(COLUMNS), "counts": matrix.tolist()},
        "counts": {name: list(pair) for name, pair in ratios(matrix).items()},
        "beats": cells(matrix, "NSVFQ", COLUMNS),
        "false_negatives": cells(matrix, "NSVFQ", "ox"),
        "false_positives": cells(matrix, "OX", "nsvfq"),
        "missed_in_shutdown": missed,
    }


def _runs(scores: Sequence[RunScore]) -> Document:
    found: Document = {}
    for score in scores:
        figures = score.figures()
        found[score.kind] = {
            length: {
                **dict(
                    zip(
                        ("found", "missed", "confirmed", "false"),
                        score.counts(length),
                        strict=True,
                    )
                ),
                "se": figures[f"{length}_se"],
                "pp": figures[f"{length}_pp"],
            }
            for length in ("couplet", "short", "long")
        }
    return found


def _episodes(scores: Sequence[EpisodeScore]) -> Document:
    return {
        score.kind: {**{k: v for k, v in asdict(score).items() if k != "kind"}, **score.figures()}
        for score in scores
    }


def _record(score: RecordScore) -> Document:
    return {
        "record": score.record,
        "rate_hz": score.rate_hz,
        "paced": score.paced,
        **_beats(score.matrix),
        "figures": asdict(score.figures),
        "rr_error_ms": score.rr_error_ms,
        "shutdown_s": score.shutdown_s,
        "inferred_shutdowns": score.inferred_shutdowns,
        "runs": _runs(score.runs),
        "episodes": _episodes(score.episodes),
        "heart_rate": None if score.heart_rate is None else asdict(score.heart_rate),
    }


def _total(total: Summary) -> Document:
    averages: Mapping[str, Any] = {
        score.kind: average for score, average in zip(total.runs, total.run_averages, strict=True)
    }
    return {
        "record_count": len(total.records),
        "paced_records": list(total.paced),
        **_beats(total.matrix),
        "gross": asdict(total.gross),
        "average": asdict(total.average),
        "rr_error_ms": total.rr_error_ms,
        "shutdown_s": total.shutdown_s,
        "runs": _runs(total.runs),
        "run_averages": averages,
        "episodes": _episodes(total.episodes),
        "heart_rate_error_percent": total.heart_rate_error_percent,
    }
