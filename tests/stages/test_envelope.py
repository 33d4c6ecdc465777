"""The filters of the default detector carry their state, but no steps."""

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.envelope import Envelope
from monitor.stages.detect.history import History

RATE_HZ = 256.0
HOP = 64


def filtered(hops: list[NDArray[np.float64]]) -> History:
    """Push hops of one lead, NaN where it is off."""
    front, history = Envelope(RATE_HZ, 1), History(RATE_HZ, 1, 0)
    for values in hops:
        history.grow(len(values))
        front.push(values[None, :], np.isfinite(values)[None, :], history)
    return history


def noise(seed: int, hops: int) -> list[NDArray[np.float64]]:
    return list(np.random.default_rng(seed).normal(size=(hops, HOP)))


def test_a_new_level_after_a_gap_is_no_step() -> None:
    calm = noise(1, 20)
    moved = [*calm[:10], calm[10].copy(), *(hop + 300.0 for hop in calm[11:])]
    moved[10][:5] = np.nan
    moved[10][5:] += 300.0
    still = [hop.copy() for hop in calm]
    still[10][:5] = np.nan
    here, there = filtered(moved), filtered(still)
    last = slice(here.at - 10 * HOP, here.at)
    assert np.allclose(here.band[:, last], there.band[:, last], atol=1e-9)
    assert np.allclose(np.diff(here.signal[:, last]), np.diff(there.signal[:, last]), atol=1e-9)


def test_many_new_levels_leave_no_trace() -> None:
    off = np.full(HOP, np.nan)
    before = [hop for level in range(500) for hop in (noise(2, 1)[0] + 7.0 * level, off)]
    after = noise(3, 40)
    old, fresh = filtered([*before, *after]), filtered([*before[:2], *after])
    seen = 5 * round(RATE_HZ)
    for name in ("signal", "band", "envelope"):
        a, b = (getattr(h, name)[:, h.at - seen : h.at] for h in (old, fresh))
        assert np.allclose(a, b, rtol=0.0, atol=1e-11), name
