"""The last beats in a row, with their intervals, in samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Row(NamedTuple):
    """The samples of some beats, two intervals or more between them, and these by length."""

    samples: tuple[int, ...]
    intervals: list[int]
    longest: int
    second: int  # longest of the others
    others: int  # sum of all but the longest


def row_of(samples: Sequence[int], count: int) -> Row | None:
    """Give the row of the last ``count`` beats; None if there are fewer."""
    if len(samples) < count:
        return None
    last = tuple(samples)[-count:]
    intervals = [b - a for a, b in pairwise(last)]
    *others, longest = sorted(intervals)
    return Row(last, intervals, longest, others[-1], sum(others))
