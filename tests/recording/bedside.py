"""A recorder that is fed with one stream, and what it has stored."""

from pathlib import Path

import numpy as np
import wfdb

from monitor.config import RecordingSettings
from monitor.messages import (
    AamiClass,
    Beat,
    End,
    Samples,
    StreamInfo,
)
from monitor.recording.recorder import Recorder

RATE_HZ = 200.0
WALL_NS = 1_795_255_987_250_000_000  # 2026-11-21 10:13:07.250 UTC
INFO = StreamInfo("bed-7", RATE_HZ, ("II", "V 1"), source="a test")


def signal_mv(samples, leads=2, seed=1):
    """Whole microvolts, which the file can hold exactly."""
    values = np.random.default_rng(seed).integers(-3000, 3000, (samples, leads)) / 1000
    return values.astype(np.float32)


def beat(sample, label="N"):
    return Beat("bed-7", sample, sample + 99, AamiClass(label), (1.0, 0, 0, 0, 0), None, 0, "m")


class Bedside:
    """Feeds a recorder with one stream."""

    def __init__(self, folder, info=INFO, **settings):
        self.said = []
        recording = RecordingSettings(**settings)
        self.recorder = Recorder(folder, recording, self.said.append, lambda: WALL_NS)
        self.info = info
        self.recorder.take(info, WALL_NS)

    def samples(self, start, values, wall_ns=WALL_NS):
        """Take samples that came ``start`` samples after the first."""
        came_ns = wall_ns + round((start + len(values)) / self.info.rate_hz * 1e9)
        self.recorder.take(Samples(self.info.stream, start, values), came_ns)

    def close(self):
        self.recorder.take(End(self.info.stream, 0), WALL_NS)
        self.recorder.close()


def records(folder):
    return sorted(path.with_suffix("") for path in Path(folder).glob("*/*.hea"))


def read(path):
    return wfdb.rdrecord(str(path))


def annotations(path):
    read = wfdb.rdann(str(path), "mon")
    return list(zip(read.sample.tolist(), read.symbol, read.aux_note, strict=True))
