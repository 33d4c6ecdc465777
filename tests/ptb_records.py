"""Records in the format of the PTB database, made for tests."""

import numpy as np
import wfdb

BEAT_S = 0.8


def write_record(folder, patient, name, reason, seconds=20, height_mv=1.2):
    """Write a record in the format of the database: 1000 Hz, units of 0.5 uV, comments."""
    place = folder / patient
    place.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(seconds * 1000) / 1000
    phase_s = (time_s + 0.3) % BEAT_S - 0.3
    ecg = height_mv * np.exp(-((phase_s / 0.012) ** 2)) + 0.25 * np.exp(
        -(((phase_s - 0.25) / 0.05) ** 2)
    )
    noise = np.random.default_rng(1).normal(0, 0.005, len(ecg))
    wfdb.wrsamp(
        name,
        fs=1000,
        units=["mV", "mV"],
        sig_name=["i", "ii"],
        p_signal=np.c_[0.5 * ecg, ecg + noise],
        fmt=["16", "16"],
        adc_gain=[2000, 2000],
        baseline=[0, 0],
        comments=["age: 60", "Diagnose:", f"Reason for admission: {reason}", "Smoker: no"],
        write_dir=str(place),
    )
    return place / name
