"""The changes of a recording that must not change its alarms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monitor.messages import StreamInfo
from tools.evaluate.perturbations import PERTURBATIONS, Recording, noisy

RATE_HZ = 250.0
NEEDS_DATA = {"muscle", "wander"}


def made() -> Recording:
    """A minute of 1 Hz and 2 Hz on two leads, and a pulse waveform."""
    time_s = np.arange(60 * RATE_HZ) / RATE_HZ
    sines = [np.sin(2 * np.pi * hz * time_s) for hz in (1.0, 2.0, 1.5)]
    info = StreamInfo("made", RATE_HZ, ("II", "V", "ABP"), pulse="ABP")
    return Recording(info, np.stack(sines, axis=1).astype(np.float32), Path())


@pytest.mark.parametrize("name", sorted(set(PERTURBATIONS) - NEEDS_DATA))
def test_leads_and_samples_stay_in_step(name: str) -> None:
    before = made()
    after = PERTURBATIONS[name](before)
    assert after.values_mv.dtype == np.float32
    assert after.values_mv.shape[1] == len(after.info.leads)
    assert after.info.leads[-1] == after.info.pulse == "ABP"
    assert len(after.values_mv) / after.info.rate_hz + after.cut_s == pytest.approx(60.0, abs=0.01)
    assert np.array_equal(before.values_mv, made().values_mv)  # what was given stays as it was


def test_each_does_what_it_is_called() -> None:
    x = made().values_mv

    def after(name: str) -> np.ndarray:
        return PERTURBATIONS[name](made()).values_mv

    assert after("gain 0.7")[:, :2] == pytest.approx(0.7 * x[:, :2])
    assert after("inverted")[:, :2] == pytest.approx(-x[:, :2])
    assert np.array_equal(after("gain 0.7")[:, 2], x[:, 2])  # the pulse is no ECG
    assert np.array_equal(after("leads swapped"), x[:, [1, 0, 2]])
    assert np.array_equal(after("first lead alone"), x[:, [0, 2]])
    assert np.array_equal(after("second lead alone"), x[:, [1, 2]])
    assert np.array_equal(after("7.3 s later"), x[1825:])
    assert np.std(after("white noise") - x, axis=0) == pytest.approx([0.05, 0.05, 0.0], abs=0.002)
    time_s = np.arange(60 * 200) / 200.0
    inner = slice(200, -200)
    assert after("200 Hz")[inner, 1] == pytest.approx(
        np.sin(2 * np.pi * 2.0 * time_s)[inner], abs=0.01
    )


def test_missing_samples_stay_missing_at_another_rate() -> None:
    recording = made()
    recording.values_mv[2500:5000, 0] = np.nan
    after = PERTURBATIONS["200 Hz"](recording).values_mv
    assert np.flatnonzero(np.isnan(after[:, 0])).tolist() == list(range(2000, 4000))
    assert not np.isnan(after[:, 1]).any()


@pytest.mark.parametrize("name", ["ma", "bw", "em"])
def test_recorded_noise_has_the_level_asked_for(data_dir: Path, name: str) -> None:
    recording = Recording(made().info, made().values_mv, data_dir)
    added = noisy(recording, name, 12.0, from_s=20.0).values_mv - recording.values_mv
    assert not added[:5000].any()
    assert not added[:, 2].any()
    signal = 2.0**2 / 8  # an eighth of the squared peak-to-peak
    ratio = 10 * np.log10(signal / (added[5000:, :2] ** 2).mean(axis=0))
    assert ratio == pytest.approx([12.0, 12.0], abs=0.1)
