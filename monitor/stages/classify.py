"""Labels the beats with the network of a model bundle.

Labels are a function of the windows so far. The network takes a fixed number of beats at a
time, filled up with zeros. Matrix kernels may add in another order for another number of rows, so
only numbers that give the same bits are used (:data:`BATCHES`). So the beats of many hops, and of
many streams, can go through the network together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.messages import AamiClass, Beat, FloatArray, StreamInfo
from monitor.models.bundle import Bundle, last_line
from monitor.stages.context import PatientContext
from monitor.stages.segment import BeatWindow

BATCHES = (4, 8, 16, 32, 64)
"""Beats at a time: the least number for which a row's result does not depend on its place, and
more for when many wait."""

_SPARE = 8  # rows left empty cost less than another call

_CLASSES = tuple(AamiClass)
_REFUSED = (0.0, 0.0, 0.0, 0.0, 1.0)

Scores = NDArray[np.float32]
"""Probabilities of some beats, shape (n, classes of the bundle)."""


@dataclass(frozen=True, slots=True, eq=False)
class BeatInputs:
    """The inputs of the network for some beats.

    Parameters
    ----------
    network
        Which network.
    signal
        Shape (n, channels, length), float32.
    features
        Shape (n, features), float32.
    """

    network: BeatNetwork
    signal: FloatArray
    features: FloatArray

    def __len__(self) -> int:
        return len(self.signal)


@dataclass(frozen=True, slots=True)
class BeatNetwork:
    """Runs the network of a bundle on beats of any number of streams together.

    Parameters
    ----------
    bundle
        The network and its manifest; shared by all streams that use it.
    """

    bundle: Bundle

    def __post_init__(self) -> None:
        torch.set_num_threads(1)  # batches are small: threads would only wait
        _batch_sizes(self.bundle)

    def __call__(self, inputs: Sequence[BeatInputs]) -> list[Scores]:
        """Give the scores of each of ``inputs``; they do not depend on what else comes along."""
        counts = [len(item) for item in inputs]
        total = sum(counts)
        scores = np.empty((total, len(self.bundle.manifest.classes)), np.float32)
        if total:
            signal = np.concatenate([item.signal for item in inputs])
            features = np.concatenate([item.features for item in inputs])
            sizes = _batch_sizes(self.bundle)
            start = 0
            while start < total:
                size = _batch_size(sizes, total - start)
                part = slice(start, start + size)
                scores[part] = _run(self.bundle, signal[part], features[part], size)
                start += size
        return np.split(scores, np.cumsum(counts[:-1]))


def _batch_size(sizes: tuple[int, ...], waiting: int) -> int:
    """Give the number of beats to run next: all that wait, or as many as fill a batch."""
    enough = [n for n in sizes if waiting <= n <= waiting + _SPARE]
    return enough[0] if enough else max(n for n in sizes if n <= max(waiting, sizes[0]))


def _run(bundle: Bundle, signal: FloatArray, features: FloatArray, size: int) -> Scores:
    # torch's own memory is aligned; how numpy's lies can choose another kernel
    full_signal = torch.zeros((size, *signal.shape[1:]))
    full_features = torch.zeros((size, *features.shape[1:]))
    full_signal.numpy()[: len(signal)] = signal
    full_features.numpy()[: len(features)] = features
    try:
        found: Scores = bundle.probabilities(full_signal, full_features).numpy()
    except Exception as error:  # any error inside a foreign network
        raise MonitorError(f"model {bundle.manifest.name} failed: {last_line(error)}") from error
    return found[: len(signal)]


@lru_cache(maxsize=8)
def _batch_sizes(bundle: Bundle) -> tuple[int, ...]:
    """Give those of :data:`BATCHES` that give the same bits on this machine; else only 1.

    The network runs some times here, so that none of the first beats waits for its compilation.
    """
    manifest = bundle.manifest
    rng = np.random.default_rng(1)

    def draw(*shape: int) -> FloatArray:
        return rng.normal(size=shape).astype(np.float32)

    signal = draw(BATCHES[-1], manifest.signal_rows, manifest.length)
    features = draw(BATCHES[-1], manifest.feature_count)
    least, rows = BATCHES[0], range(BATCHES[-1])
    alone = np.concatenate([_run(bundle, signal[k, None], features[k, None], least) for k in rows])

    def agrees(size: int) -> bool:
        starts = range(0, len(signal), size)
        parts = [slice(start, start + size) for start in starts]
        found = [_run(bundle, signal[part], features[part], size) for part in parts]
        return np.array_equal(np.concatenate(found), alone)

    if not agrees(least):
        return (1,)
    return (least, *filter(agrees, BATCHES[1:]))


class Classifier:
    """Labels the beats of one stream.

    Parameters
    ----------
    info
        The stream.
    bundle
        The network and its manifest.

    Raises
    ------
    MonitorError
        If the manifest asks for a feature that is not known, or has no AAMI classes.

    Notes
    -----
    A window that is not ``valid`` holds too little signal: it is labelled Q with probability one.
    So is a window for which the network gives no finite number. Classes that the network does not
    have get probability zero.
    """

    def __init__(self, info: StreamInfo, bundle: Bundle) -> None:
        self._stream = info.stream
        manifest = bundle.manifest
        if manifest.label_set != "aami":
            raise MonitorError(
                f"model {manifest.name} tells {', '.join(manifest.classes)}, not the "
                "AAMI classes: it is for measuring on beats and cannot label a stream"
            )
        self._network = BeatNetwork(bundle)
        self._context = PatientContext(manifest)
        self._columns = [_CLASSES.index(AamiClass(name)) for name in manifest.classes]
        self._name = manifest.name
        self._none = BeatInputs(
            self._network,
            np.empty((0, manifest.signal_rows, manifest.length), np.float32),
            np.empty((0, manifest.feature_count), np.float32),
        )

    def push(self, windows: list[BeatWindow], decided_sample: int) -> list[Beat]:
        """Label windows, in order; ``decided_sample`` is the last sample seen so far."""
        scores = self._network([self.prepare(windows)])[0]
        return self.label(windows, iter(scores), decided_sample)

    def prepare(self, windows: list[BeatWindow]) -> BeatInputs:
        """Take the next windows, in order; give the inputs for the valid ones."""
        inputs = [self._context.push(window) for window in windows]
        valid = [item for item, window in zip(inputs, windows, strict=True) if window.valid]
        if not valid:
            return self._none
        signal, features = zip(*valid, strict=True)
        return BeatInputs(self._network, np.stack(signal), np.stack(features))

    def label(
        self, windows: list[BeatWindow], scores: Iterator[Scores], decided_sample: int
    ) -> list[Beat]:
        """Give the beats of windows that were prepared.

        ``scores`` gives a row for each valid window, in order; one is taken for each.
        """
        return [
            self._beat(window, next(scores).tolist() if window.valid else None, decided_sample)
            for window in windows
        ]

    def _beat(self, window: BeatWindow, scores: list[float] | None, decided_sample: int) -> Beat:
        rpeak = window.rpeak
        row = list(_REFUSED)
        if scores is not None and all(map(math.isfinite, scores)):
            row = [0.0] * len(_CLASSES)
            for column, score in zip(self._columns, scores, strict=True):
                row[column] = score
        return Beat(
            stream=self._stream,
            sample=rpeak.sample,
            decided_sample=max(decided_sample, rpeak.decided_sample),
            label=_CLASSES[row.index(max(row))],
            probabilities=(row[0], row[1], row[2], row[3], row[4]),
            rr_s=window.rr_s,
            lead=rpeak.lead,
            classifier=self._name,
        )
