"""Score one record: beats, runs, episodes and heart rate, with the conditions.

This file is long because EC57 has the same conditions for beats, runs, episodes and rate.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.errors import USAGE, MonitorError
from monitor.score.annotations import Annotations, class_map, read_track
from monitor.score.beats import match_beats
from monitor.score.episodes import AF, VF, VT, EpisodeScore, compare_episodes
from monitor.score.figures import Figures, figures
from monitor.score.heart_rate import RateScore, compare_heart_rate
from monitor.score.records import read_annotations, read_header
from monitor.score.runs import SUPRAVENTRICULAR, VENTRICULAR, RunScore, compare_runs

WINDOW_S = 0.15
START_S = 300.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of the comparison; EC57 prescribes the defaults.

    Parameters
    ----------
    window_s
        Match window: the largest distance of a pair of beats, in seconds.
    start_s
        End of the learning period, in seconds: nothing before it counts.
    end_s
        End of the comparison; ``None``: the end of the record.
    classes
        ``ec57`` (escape beats e, j are S) or ``ml`` (they are N).
    """

    window_s: float = WINDOW_S
    start_s: float = START_S
    end_s: float | None = None
    classes: str = "ec57"

    def __post_init__(self) -> None:
        if not 0 < self.window_s < math.inf:
            raise MonitorError(
                f"match window {self.window_s:g} s must be positive and finite", USAGE
            )
        if not 0 <= self.start_s < math.inf:
            raise MonitorError(f"start {self.start_s:g} s must be finite and not negative", USAGE)
        if self.end_s is not None and not self.start_s < self.end_s < math.inf:
            raise MonitorError(
                f"end {self.end_s:g} s must be finite and come after the start at "
                f"{self.start_s:g} s",
                USAGE,
            )
        class_map(self.classes)

    @property
    def deviations(self) -> tuple[str, ...]:
        """Deviations from the standard, in words; empty if there are none."""
        found = []
        if self.window_s != WINDOW_S:
            found.append(f"match window {self.window_s * 1000:g} ms instead of 150 ms")
        if self.start_s != START_S:
            found.append(f"starts at {self.start_s:g} s instead of 300 s")
        if self.end_s is not None:
            found.append(f"ends at {self.end_s:g} s instead of the end of the record")
        if self.classes != "ec57":
            found.append("class map ml: escape beats e and j count as N instead of S")
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class RecordScore:
    """The result of the comparison of one record.

    ``matrix`` (7, 7) counts pairs: rows are the reference classes N S V F Q, O (no beat) and X
    (reference shut down), columns the test classes n s v f q, o and x. ``pairs`` (n, 2) holds
    the matched samples, reference and test, -1 where one is missing, and ``labels`` names the
    cell of the matrix each pair fell into (``Nn``, ``Vo``, ``On`` ...). ``rr_error_ms`` is the
    root-mean-square RR error; ``shutdown_s`` the time the test annotator was shut down, over
    the whole record, ``shutdown_whole_s`` the same in rounded whole seconds, and
    ``inferred_shutdowns`` how many of them had no end annotated right after their start, so
    that their extent was inferred from their neighbours. ``paced``: the
    reference has paced beats, and EC57 leaves the record out of totals. ``runs``
    (ventricular, supraventricular), ``episodes`` (VF, VT, AF) and ``heart_rate`` are filled by
    :func:`compare`, and empty after :func:`compare_beats`.
    """

    record: str
    rate_hz: float
    conditions: Conditions
    matrix: NDArray[np.int64]
    pairs: NDArray[np.int64]
    labels: tuple[str, ...]
    rr_error_ms: float | None
    shutdown_s: float
    shutdown_whole_s: int
    inferred_shutdowns: int = 0
    paced: bool = False
    runs: tuple[RunScore, ...] = ()
    episodes: tuple[EpisodeScore, ...] = ()
    heart_rate: RateScore | None = None

    @property
    def figures(self) -> Figures:
        """Sensitivities and predictivities, percent."""
        return figures(self.matrix)

    @property
    def false_negatives(self) -> NDArray[np.int64]:
        """Samples of the missed reference beats."""
        samples: NDArray[np.int64] = self.pairs[self.pairs[:, 1] < 0, 0]
        return samples

    @property
    def false_positives(self) -> NDArray[np.int64]:
        """Samples of the false test beats."""
        samples: NDArray[np.int64] = self.pairs[self.pairs[:, 0] < 0, 1]
        return samples

    @property
    def offsets_ms(self) -> NDArray[np.float64]:
        """Test minus reference time of every matched pair, in milliseconds."""
        both = self.pairs[(self.pairs >= 0).all(axis=1)]
        return (both[:, 1] - both[:, 0]).astype(np.float64) * (1000.0 / self.rate_hz)


def to_samples(seconds: float, rate_hz: float) -> int:
    """Seconds as samples, a half rounded up."""
    return int(seconds * rate_hz + 0.5)


def compare_beats(
    ref: Annotations,
    test: Annotations,
    rate_hz: float,
    *,
    record: str = "",
    length_samples: int | None = None,
    conditions: Conditions | None = None,
) -> RecordScore:
    """Compare the beats of two sets of annotations, by EC57.

    Parameters
    ----------
    ref, test
        Reference and test annotations, on the same sample index.
    rate_hz
        Sampling rate of that index.
    record
        Name for the tables.
    length_samples
        Length of the record; ``None``: the comparison ends with the last reference beat.
    conditions
        Match window, start, end, class map; default: the standard's.

    Raises
    ------
    MonitorError
        If the rate is not positive, or the record ends before the comparison starts.

    Examples
    --------
    >>> beats = list(range(0, 360 * 600, 360))
    >>> truth = Annotations.from_arrays(beats)
    >>> found = Annotations.from_arrays(beats[:-1])
    >>> score = compare_beats(truth, found, 360.0)
    >>> int(score.matrix[0, 0]), int(score.matrix[0, 5])  # N as n, N missed
    (299, 1)
    """
    rules = conditions or Conditions()
    extent = _extent(rules, rate_hz, length_samples, record)
    classes = class_map(rules.classes)
    window, start, end = extent
    ref_track = read_track(ref, classes, window, end, is_test=False)
    test_track = read_track(test, classes, window, end, is_test=True)
    match = match_beats(ref_track, test_track, window, start, end)
    second = to_samples(1.0, rate_hz)
    error = None
    if match.rr_count:
        error = math.sqrt(match.rr_squares / match.rr_count) * 1000.0 / second
    shut = match.shutdown_samples
    return RecordScore(
        record=record,
        rate_hz=rate_hz,
        conditions=rules,
        matrix=match.matrix,
        pairs=match.pairs,
        labels=match.labels,
        rr_error_ms=error,
        shutdown_s=shut / rate_hz,
        shutdown_whole_s=(shut + to_samples(0.5, rate_hz)) // second,
        inferred_shutdowns=sum(span.inferred for span in test_track.shutdown),
        paced="/" in ref.symbols,
    )


def _extent(
    rules: Conditions, rate_hz: float, length_samples: int | None, record: str
) -> tuple[int, int, int | None]:
    """Match window, start and end of the comparison in samples."""
    if not (math.isfinite(rate_hz) and rate_hz > 0):
        raise MonitorError(f"sampling rate {rate_hz} Hz must be positive")
    start = to_samples(rules.start_s, rate_hz)
    end = length_samples if rules.end_s is None else to_samples(rules.end_s, rate_hz)
    if end is not None and end < start:
        raise MonitorError(
            f"record {record or 'without name'} ends at {end / rate_hz:g} s, before the "
            f"comparison starts at {rules.start_s:g} s: set an earlier start"
        )
    return to_samples(rules.window_s, rate_hz), start, end


def compare(
    ref: Annotations,
    test: Annotations,
    rate_hz: float,
    *,
    record: str = "",
    length_samples: int | None = None,
    conditions: Conditions | None = None,
) -> RecordScore:
    """Compare beats, runs, rhythm episodes and heart rate; parameters of :func:`compare_beats`."""
    beats = compare_beats(
        ref,
        test,
        rate_hz,
        record=record,
        length_samples=length_samples,
        conditions=conditions,
    )
    window, start, end = _extent(beats.conditions, rate_hz, length_samples, record)
    classes = class_map(beats.conditions.classes)
    try:
        heart_rate = compare_heart_rate(ref, test, classes, rate_hz, start, end)
    except MonitorError as error:
        raise MonitorError(f"record {record or 'without name'}: {error}") from error
    return dataclasses.replace(
        beats,
        runs=tuple(
            compare_runs(ref, test, classes, kind, window, start, end)
            for kind in (VENTRICULAR, SUPRAVENTRICULAR)
        ),
        episodes=tuple(
            compare_episodes(ref, test, kind, rate_hz, start, end) for kind in (VF, VT, AF)
        ),
        heart_rate=heart_rate,
    )


def score_record(
    ref_path: str | Path,
    test_path: str | Path,
    ref_annotator: str = "atr",
    test_annotator: str = "mon",
    conditions: Conditions | None = None,
) -> RecordScore:
    """Read both annotation files of one record and compare them with :func:`compare`.

    ``ref_path`` and ``test_path`` are record paths without extension; the score bears the name
    of the test record. Sampling rate and length come from the reference's header; without one,
    the rate comes from an annotation file or from the header of the test record.

    Raises
    ------
    MonitorError
        If a file is missing, empty or unreadable, or the sampling rates differ.
    """
    ref, ref_rate = read_annotations(ref_path, ref_annotator)
    test, test_rate = read_annotations(test_path, test_annotator)
    header = read_header(ref_path)
    test_header = header if str(test_path) == str(ref_path) else read_header(test_path)
    stated = {
        f"{ref_path}.hea": header.rate_hz if header else None,
        f"{ref_path}.{ref_annotator}": ref_rate,
        f"{test_path}.hea": test_header.rate_hz if test_header else None,
        f"{test_path}.{test_annotator}": test_rate,
    }
    rates = {file: rate for file, rate in stated.items() if rate is not None}
    if not rates:
        raise MonitorError(f"no sampling rate for {ref_path}: its header is missing")
    (first, rate_hz), *others = rates.items()
    for file, rate in others:
        if abs(rate - rate_hz) > 1e-6 * rate_hz:
            raise MonitorError(
                f"sampling rates differ: {first} has {rate_hz:g} Hz, {file} has {rate:g} Hz; "
                "bring the annotations to one rate first"
            )
    return compare(
        ref,
        test,
        rate_hz,
        record=Path(test_path).name,
        length_samples=header.frames if header else None,
        conditions=conditions,
    )
