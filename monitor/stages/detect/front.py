"""What the detector computes of each hop alike, for rows of hops of many streams at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.envelope import Filtered, filtered
from monitor.stages.detect.step_blanking import reaches

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FrontInputs:
    """A row of hops of one stream, and what came before it.

    Parameters
    ----------
    network
        What computes it.
    values_mv
        Shape (leads, hops, n), mV; NaN where missing.
    before
        The samples just before, shape (leads, lag).
    state
        Of the filters, as :func:`~monitor.stages.detect.envelope.filtered` takes it; None if the
        row is not to be filtered in advance.
    """

    network: Front
    values_mv: Array
    before: Array
    state: tuple[Array, Array] | None


@dataclass(frozen=True, slots=True)
class Front:
    """Computes the reaches of hops, and filters them; for rows of one shape, at one rate."""

    rate_hz: float
    hops: int
    n: int

    def __call__(
        self, inputs: Sequence[FrontInputs]
    ) -> list[tuple[list[list[float]], Filtered | None]]:
        """Give the reach of each hop, per lead, and the row filtered, for each stream."""
        if len(inputs) == 1:
            (one,) = inputs
            ahead = None
            if one.state is not None:
                ahead = self._filtered(one.values_mv, *one.state)
            return [(reaches(one.before, one.values_mv), ahead)]
        reach = reaches(
            np.concatenate([each.before for each in inputs]),
            np.concatenate([each.values_mv for each in inputs]),
        )
        plain = [(each.values_mv, *each.state) for each in inputs if each.state is not None]
        ahead = self._filtered(*map(np.concatenate, zip(*plain, strict=True))) if plain else None
        out: list[tuple[list[list[float]], Filtered | None]] = []
        lead = place = 0
        for each in inputs:
            leads = len(each.values_mv)
            own = [hop[lead : lead + leads] for hop in reach]
            lead += leads
            if each.state is None or ahead is None:
                out.append((own, None))
                continue
            here = slice(place, place + leads)
            place += leads
            sums = [hop[here] for hop in ahead.sums]
            # the state is changed in place where a lead breaks off
            part = Filtered(ahead.band[here], ahead.envelope[here], sums, ahead.state[here].copy())
            out.append((own, part))
        return out

    def _filtered(self, values_mv: Array, state: Array, before: Array) -> Filtered:
        signal = values_mv.reshape(len(values_mv), -1)
        return filtered(self.rate_hz, signal, self.n, state, before)
