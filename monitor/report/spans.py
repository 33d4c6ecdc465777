"""Stretches of time: of a rhythm, of a signal that cannot be used. Pure.

A span is (first, last) in seconds from the beginning. Spans are in order and do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from monitor.messages import Gap, Quality, Rhythm

Span: TypeAlias = tuple[float, float]

ATRIAL_FIBRILLATION = "AFIB"
EPISODE_S = 10.0
"""A shorter stretch of atrial fibrillation counts as time, but is no episode."""


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join spans that touch.

    >>> merged([(5, 6), (0, 2), (1, 3), (3, 4)])
    ((0, 4), (5, 6))
    """
    out: list[Span] = []
    for first, last in sorted(spans):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        elif last > first:
            out.append((first, last))
    return tuple(out)


def total_s(spans: Iterable[Span], within: Span | None = None) -> float:
    """Give the length of all spans, or of their parts within one.

    >>> total_s([(0, 4), (5, 7)]), total_s([(0, 4), (5, 7)], (3, 6))
    (6, 2)
    """
    if within is None:
        return sum(last - first for first, last in spans)
    low, high = within
    return sum(max(min(last, high) - max(first, low), 0) for first, last in spans)


def without(spans: Iterable[Span], holes: Sequence[Span]) -> tuple[Span, ...]:
    """Give the parts of the spans outside the holes.

    >>> without([(0, 10)], [(2, 3), (9, 12)])
    ((0, 2), (3, 9))
    """
    out: list[Span] = []
    for first, last in spans:
        at = first
        for start, stop in holes:
            if stop > at and start < last:
                if start > at:
                    out.append((at, start))
                at = stop
        if at < last:
            out.append((at, last))
    return tuple(out)


def unusable(
    quality: Sequence[Quality],
    holes: Sequence[Gap],
    rate_hz: float,
    start_sample: int,
    end_sample: int,
) -> tuple[Span, ...]:
    """Give where the analysis was suspended or samples are missing."""
    changes = sorted(quality, key=lambda state: state.sample)
    ends = [*(state.sample for state in changes[1:]), end_sample]  # one end without a change
    found = [
        (state.sample, end) for state, end in zip(changes, ends, strict=False) if not state.usable
    ]
    found += [(hole.sample, min(hole.sample + hole.length, end_sample)) for hole in holes]
    return merged(
        ((first - start_sample) / rate_hz, (last - start_sample) / rate_hz) for first, last in found
    )


def rhythm_spans(
    rhythms: Sequence[Rhythm], rate_hz: float, start_sample: int, end_sample: int
) -> tuple[tuple[str, Span], ...]:
    """Give each rhythm with its span; it lasts until the next."""
    changes = sorted(rhythms, key=lambda rhythm: rhythm.sample)
    ends = [*(rhythm.sample for rhythm in changes[1:]), end_sample]
    return tuple(
        (r.name, ((r.sample - start_sample) / rate_hz, (end - start_sample) / rate_hz))
        for r, end in zip(changes, ends, strict=False)
        if end > r.sample
    )
