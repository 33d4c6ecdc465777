"""Line formats for rhythm episodes and heart rate, in the manner of ``epicmp`` and ``mxm``.

The columns are those of the WFDB software package. Totals are made from the durations
themselves, where the package's summary program reads back rounded percentages.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.errors import MonitorError
from monitor.score.episodes import EpisodeScore
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
        text += f"\nSummary of results from {len(scores)} record{'' if len(scores) == 1 else 's'}\n"
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
        text += f"\nSummary of results from {len(found)} record{'' if len(found) == 1 else 's'}\n"
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


def duration(seconds: float) -> str:
    """Write a duration in twelve columns, to the millisecond.

    Examples
    --------
    >>> duration(0.0), duration(75.25), duration(3661.5)
    ('       0.000', '    1:15.250', ' 1:01:01.500')
    """
    whole_ms = int(seconds * 1000 + 0.5)
    if not whole_ms:
        return "       0.000"
    rest_s, ms = divmod(whole_ms, 1000)
    minutes, s = divmod(rest_s, 60)
    hours, m = divmod(minutes, 60)
    return f"{hours:2d}:{m:02d}:{s:02d}.{ms:03d}" if hours else f"   {m:2d}:{s:02d}.{ms:03d}"
