"""What the listing of the detector's errors says about noise."""

import numpy as np

from tools.explain_detect import noise_at

RATE_HZ = 360.0


def test_noise_is_told_in_units_of_the_qrs_and_of_the_better_lead() -> None:
    n = round(60 * RATE_HZ)
    beats = np.arange(180, n - 180, 300)
    t = (np.arange(n)[:, None] - beats) / RATE_HZ
    clean = np.exp(-0.5 * (t / 0.012) ** 2).sum(axis=1)
    hiss = np.where(np.arange(n) > n // 2, 1.0, 0.1) * np.random.default_rng(0).standard_normal(n)
    at = np.array([10 * 360, 50 * 360])
    one = np.stack([clean + hiss], axis=1)
    quiet, loud = noise_at(one, RATE_HZ, beats, at)
    assert 5.0 < loud / quiet < 15.0
    both = np.stack([clean + hiss, 0.5 * clean], axis=1)
    assert (noise_at(both, RATE_HZ, beats, at) < 0.1).all()
    # a lead ten times as large is as noisy
    assert np.allclose(noise_at(10 * one, RATE_HZ, beats, at), (quiet, loud))
