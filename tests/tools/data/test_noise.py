"""Noise at a stated level: the level holds, and the recording is what the database added."""

import numpy as np
import pytest

from tools.data.noise import add_noise, electrode_motion


@pytest.mark.parametrize("snr_db", [18.0, 0.0])
def test_the_ratio_of_each_lead_is_what_was_asked_for(snr_db):
    rng = np.random.default_rng(0)
    peaks = np.arange(200, 20000, 300)
    signal = np.zeros((20000, 2))
    signal[peaks] = (1.2, -0.4)  # mV, peak to peak
    noisy = add_noise(signal, peaks, rng.normal(size=(700, 2)) * (0.1, 5.0), snr_db)
    power = ((noisy - signal) ** 2).mean(axis=0)
    ratio_db = 10 * np.log10(np.array([1.2, 0.4]) ** 2 / 8 / power)
    np.testing.assert_allclose(ratio_db, snr_db, atol=0.01)


def test_electrode_motion_is_the_same_noise_at_every_level(data_dir):
    import wfdb

    noise = electrode_motion(data_dir)
    assert len(noise) >= 6 * 120 * 360
    assert np.abs(noise.mean(axis=0)).max() < 0.01
    at = slice(300 * 360, 420 * 360)  # the first noisy part
    weaker = wfdb.rdrecord(str(data_dir / "nstdb" / "118e06")).p_signal[at]
    weaker -= wfdb.rdrecord(str(data_dir / "mitdb" / "118")).p_signal[at]
    for lead in range(2):
        assert np.corrcoef(noise[: 120 * 360, lead], weaker[:, lead])[0, 1] > 0.999
