"""The last beats in a row, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Row(NamedTuple):
    """The samples of some beats, two intervals or more between them, and these by length."""

    samples: tuple[int, ...]
    intervals: list[int]
    in_order: list[int]


def row_of(samples: Sequence[int], count: int) -> Row | None:
    """Give the row of the last ``count`` beats; None if there are fewer."""
    if len(samples) < count:
        return None
    last = tuple(samples)[-count:]
    intervals = [b - a for a, b in pairwise(last)]
    return Row(last, intervals, sorted(intervals))
