"""Training beats: what they are made of is hashed, made streams hold what their plan says."""

from itertools import islice, pairwise

import numpy as np
import pytest

from tools.data.beats import data_sha256, excerpt, mix, read, resampled, roughen
from tools.data.noise import motion
from tools.data.rhythms import BEATS, PLANS, RHYTHMS, make

RATE_HZ = 360.0


def folder_with(tmp_path):
    for name in ("mitdb/101", "nstdb/bw", "nstdb/ma"):
        for ending in ("hea", "dat", "atr"):
            path = tmp_path / f"{name}.{ending}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(f"{name}{ending}".encode())
    return tmp_path


@pytest.mark.parametrize(
    "name", ["mitdb/101.dat", "mitdb/101.atr", "mitdb/101.hea", "nstdb/bw.dat", "nstdb/ma.dat"]
)
def test_the_hash_covers_every_file_of_the_training(tmp_path, name):
    folder = folder_with(tmp_path)
    before = data_sha256(folder, ["mitdb/101"])
    assert before == data_sha256(folder, ["mitdb/101"])
    (folder / name).write_bytes(b"other")
    assert data_sha256(folder, ["mitdb/101"]) != before


def record():
    """Beats with a P wave, each fourth wide and early, in two leads."""
    t = np.arange(-100, 160) / RATE_HZ
    p_wave = 0.15 * np.exp(-0.5 * ((t + 0.16) / 0.02) ** 2)
    normal = np.exp(-0.5 * (t / 0.012) ** 2) + p_wave
    wide = -1.5 * np.exp(-0.5 * (t / 0.04) ** 2)
    signal, peaks, symbols, at = np.zeros((200_000, 2)), [], [], 400
    while at < 199_000:
        early = len(peaks) % 4 == 3
        signal[at - 100 : at + 160] += np.outer(wide if early else normal, (1.0, 0.5))
        peaks.append(at)
        symbols.append("V" if early else "N")
        at += 220 if len(peaks) % 4 == 3 else 300
    return signal, np.array(peaks), symbols


@pytest.mark.slow
@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_made_rhythms_have_both_leads_and_their_labels_where_the_beats_are(rhythm):
    signal, peaks, symbols = record()
    made = make(rhythm, signal, RATE_HZ, peaks, symbols, np.random.default_rng(1))
    assert made is not None
    values, at, labels = made
    assert values.shape[1] == 2
    assert np.isfinite(values).all()
    assert len(at) == len(labels) >= BEATS
    assert set(labels) <= {"N", "A", "V"}
    upright = np.array([label != "V" for label in labels])
    if upright.any():
        assert (values[at[upright], 0] > 0.5).mean() > 0.97
    if not upright.all():
        assert (values[at[~upright], 0] < -0.5).mean() > 0.97
    if rhythm == "sinus":
        assert set(labels) == {"N"}
    if rhythm in ("pac", "sick", "step"):
        assert "A" in labels


def test_made_premature_beats_come_in_turn_and_between_two_normal_ones():
    in_turn = interpolated = 0
    for seed in range(20):
        plans = list(islice(PLANS["pac"](np.random.default_rng(seed), True), 500))
        word = "".join(plan.symbol for plan in plans)
        in_turn += "NA" * 5 in word
        usual_s = np.median([plan.rr_s for plan in plans if plan.symbol == "N"])
        for early, behind in pairwise(plans):
            if early.symbol == "V":
                interpolated += early.rr_s + behind.rr_s < 1.15 * usual_s
    assert in_turn >= 5
    assert interpolated >= 50


def test_an_excerpt_keeps_the_beats_where_they_are_in_the_signal():
    signal, peaks, symbols = record()
    signal, peaks = np.tile(signal, (2, 1)), np.concatenate([peaks, peaks + len(signal)])
    part, at, kept = excerpt(signal, RATE_HZ, peaks, symbols * 2, np.random.default_rng(1))
    assert len(part) == round(720 * RATE_HZ)
    assert len(at) == len(kept) > 700
    upright = at[[symbol == "N" for symbol in kept]]
    assert (part[upright, 0] > 0.5).mean() > 0.99


def test_mixtures_keep_their_own_lead_the_larger_part_and_either_comes_first():
    signal = np.eye(2).repeat(50, axis=0)
    firsts = set()
    for seed in range(8):
        mixed = mix(signal, np.random.default_rng(seed))
        own = int(mixed[0].argmax())
        np.testing.assert_allclose(mixed[:50, own], 1.0)
        assert (np.abs(mixed[:50, 1 - own]) <= 0.6).all()
        assert not np.allclose(mixed, signal)
        firsts.add(own)
    assert firsts == {0, 1}


def test_rough_streams_have_noise_in_each_lead_and_moved_peaks(data_dir):
    signal, peaks, _ = record()
    rough, moved = roughen(data_dir, signal, RATE_HZ, peaks, np.random.default_rng(0))
    assert rough.shape == signal.shape
    assert 0 < np.abs(moved - peaks).max() <= 0.02 * RATE_HZ + 1
    noise = rough - signal
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.9


def test_electrode_motion_in_a_rough_stream_is_between_its_levels(data_dir):
    signal, peaks, _ = record()
    rng = np.random.default_rng(0)
    moving = motion(len(signal), RATE_HZ, rng)
    rough, _ = roughen(data_dir, signal, RATE_HZ, peaks, rng, moving)
    still = np.abs(signal).max(axis=1) < 0.01  # between the beats, where gain changes nothing
    size = np.median([np.ptp(signal[at - 30 : at + 31], axis=0) for at in peaks], axis=0)
    ratio_db = 10 * np.log10(size**2 / 8 / (rough - signal)[still].var(axis=0))
    assert (ratio_db > 0.0).all()
    assert (ratio_db < 18.0).all()


def test_resampling_keeps_a_slow_wave():
    t = np.arange(3600) / 360.0
    found = resampled(np.sin(2 * np.pi * 3 * t)[:, None], 360.0, 128.0)
    assert found.shape == (1280, 1)
    wanted = np.sin(2 * np.pi * 3 * np.arange(1280) / 128.0)
    np.testing.assert_allclose(found[64:-64, 0], wanted[64:-64], atol=0.01)


def test_a_bare_number_is_a_record_of_mit_bih(data_dir):
    found, notes = read(data_dir, "101")
    same, _ = read(data_dir, "mitdb/101")
    np.testing.assert_array_equal(found.p_signal, same.p_signal)
    assert found.fs == 360
    assert len(notes.sample) > 1800
    other = next((data_dir / "svdb").glob("*.hea")).stem
    assert read(data_dir, f"svdb/{other}")[0].fs == 128


def test_noise_is_brought_to_the_rate_of_the_record(data_dir):
    signal, peaks, _ = record()
    slow = resampled(signal, RATE_HZ, 128.0)
    places = np.round(peaks * 128.0 / RATE_HZ).astype(int)
    rough, moved = roughen(data_dir, slow, 128.0, places, np.random.default_rng(0))
    assert rough.shape == slow.shape
    assert 0 < np.abs(moved - places).max() <= 0.02 * 128.0 + 1
    spectrum = np.abs(np.fft.rfft((rough - slow)[:, 0])) ** 2
    hz = np.fft.rfftfreq(len(rough), 1 / 128.0)
    assert spectrum[hz < 60.0].sum() > 0.9 * spectrum.sum()
