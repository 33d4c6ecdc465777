"""The default detector on the simulated patient, whose beats are known exactly.

No recordings are needed, so that this covers the detector on every machine.
"""

import numpy as np
import pytest
from default_detector import detect, errors, score

from monitor.score import Annotations
from monitor.sources.simulator import Simulator, simulate

RATE_HZ = 250.0
RHYTHMS = [
    *("sinus", "pvc", "multiform", "bigeminy", "run", "aivr", "af", "flutter", "pac", "svt"),
    *("brady", "tachy", "pause", "asystole", "lbbb", "rbbb", "paced", "ec13_bidirectional"),
]
DISTURBED = ["tall_t", "inverted", "wander", "gap"]


def play(scenario, rate_hz=RATE_HZ, seed=0, scale=1.0):
    """Signal in mV, shape (n, 2), and what the default detector makes of it by EC57."""
    signal, truth = simulate(Simulator(scenario, rate_hz, seed=seed))
    beats = Annotations.from_arrays(
        np.array([beat.sample for beat in truth.beats]), [beat.symbol for beat in truth.beats]
    )
    return score(detect(scale * signal, rate_hz), beats, len(signal), rate_hz)


@pytest.mark.parametrize("scenario", RHYTHMS + DISTURBED)
def test_every_beat_is_found_once_and_in_place(scenario):
    result = play(scenario)
    assert len(result.offsets_ms) > 30
    assert errors(result) == 0
    assert np.percentile(np.abs(result.offsets_ms), 95) <= 8.0  # two samples


@pytest.mark.parametrize("scenario", ["vt", "vt_195", "vt_206"])
def test_at_the_onset_of_tachycardia_one_beat_may_be_missed(scenario):
    result = play(scenario)
    assert len(result.false_negatives) <= 1
    assert len(result.false_positives) == 0


def test_noise_costs_no_beat_but_some_accuracy():
    result = play("noise")
    assert errors(result) == 0
    assert np.median(np.abs(result.offsets_ms)) <= 8.0


@pytest.mark.parametrize("scenario", ["lead_off", "saturation", "nan"])
def test_a_fault_of_the_electrodes_costs_beats_only_while_it_lasts(scenario):
    signal, truth = simulate(Simulator(scenario, RATE_HZ))
    peaks = np.array([peak.sample for peak in detect(signal, RATE_HZ)])
    around = RATE_HZ * 2
    faults = [(e.sample - around, e.end_sample + around) for e in truth.episodes]
    clear = [
        beat.sample
        for beat in truth.beats
        if RATE_HZ * 5 < beat.sample < len(signal) - RATE_HZ
        and not any(begin < beat.sample < end for begin, end in faults)
    ]
    assert len(clear) > 20
    assert max(np.abs(peaks - beat).min() for beat in clear) <= 0.1 * RATE_HZ


@pytest.mark.parametrize("rate_hz", [128.0, 360.0, 1000.0])
def test_the_sampling_rate_changes_nothing(rate_hz):
    result = play("pvc", rate_hz)
    assert errors(result) == 0


@pytest.mark.parametrize("scale", [-1.0, 0.3, 4.0])
def test_neither_polarity_nor_gain_changes_the_beats(scale):
    result = play("sinus", scale=scale, seed=1)
    assert errors(result) == 0
