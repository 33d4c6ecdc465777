"""Line formats for rhythm episodes and heart rate, like those of ``epicmp`` and ``mxm``.

The columns are those of the WFDB software package. Totals are made from the durations
themselves, where the package's summary program reads back rounded percentages.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.errors import MonitorError
from monitor.score.episodes import EpisodeScore
from monitor.score.lines import closing, duration
from monitor.score.record import RecordScore
from monitor.score.summary import summarise

_FIGURES = ("episode_se", "episode_pp", "duration_se", "duration_pp")


def episode_lines(scores: Sequence[RecordScore], kind: str, *, totals: bool = False) -> str:
    """Episode table of one rhythm, VF, VT or AF (``epicmp -L``)."""
    text = f"({kind} detection)\nRecord  TPs   FN  TPp   FP"
    text += "  ESe E+P DSe D+P  Ref duration  Test duration \n"
    chosen = [_of_kind(score.episodes, kind) for score in scores]
    for score, found in zip(scores, chosen, strict=True):
        text += f"{score.record:>6} {_episode_columns(found)}\n"
    if totals:
        total = _of_kind(summarise(scores).episodes, kind)
        text += "_" * 72 + f"\nGross  {_episode_columns(total)}\n"
        averages = ""
        for name in _FIGURES:
            defined = [v for found in chosen if (v := found.figures()[name]) is not None]
            averages += "   -" if not defined else f" {sum(defined) / len(defined):3.0f}"
        text += "Average" + " " * 20 + averages + "\n"
        text += closing(len(scores))
    return text


def heart_rate_lines(scores: Sequence[RecordScore], *, totals: bool = False) -> str:
    """Heart-rate error table (``mxm -L``): error in percent, mean reference rate in bpm.

    Records without two heart rates to compare are left out.
    """
    text = "(Measurement errors)\nMeasurement 0\n"
    text += "Record\tRMS error (%)\tMean reference measurement\n"
    rates = [(score.record, score.heart_rate) for score in scores]
    found = [(record, rate) for record, rate in rates if rate is not None]
    for record, rate in found:
        text += f"{record:>6}\t{rate.error_percent:7.4f}\t\t{rate.mean_bpm:g}\n"
    if totals and found:
        error = sum(rate.error_percent for _, rate in found) / len(found)
        mean = sum(rate.mean_bpm for _, rate in found) / len(found)
        text += "_" * 50 + f"\nAverage {error:7.4f}\t\t{mean:g}\n"
        text += closing(len(found))
    return text


def _of_kind(found: Sequence[EpisodeScore], kind: str) -> EpisodeScore:
    for score in found:
        if score.kind == kind:
            return score
    raise MonitorError(f"these scores hold no {kind} episodes: use compare() to score rhythms")


def _episode_columns(score: EpisodeScore) -> str:
    counts = (score.found, score.missed, score.confirmed, score.false)
    text = " ".join(f"{count:4d}" for count in counts) + " "
    for value in score.figures().values():
        text += "   -" if value is None else f" {int(value + 0.5):3d}"
    return f"{text}  {duration(score.ref_duration_s)}   {duration(score.test_duration_s)}"
