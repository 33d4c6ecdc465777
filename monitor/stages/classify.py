"""Beat windows to labelled beats: the only stage that runs a network.

Labels are a function of the windows so far. The windows of one hop go through the network
together; how the samples were chunked on their way here does not change the hops, so it
does not change the batches either.
"""

from __future__ import annotations

import numpy as np
import torch

from models.bundle import Bundle
from monitor.errors import MonitorError
from monitor.messages import AamiClass, Beat, StreamInfo
from monitor.stages.context import PatientContext
from monitor.stages.segment import BeatWindow

_CLASSES = tuple(AamiClass)
_REFUSED = (0.0, 0.0, 0.0, 0.0, 1.0)


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
    A window that is not ``valid`` is labelled Q with probability one: there was too little
    signal to look at. Classes that the network does not have get probability zero.
    """

    def __init__(self, info: StreamInfo, bundle: Bundle) -> None:
        torch.set_num_threads(1)  # beats come one or two at a time: threads would only wait
        self._stream = info.stream
        self._bundle = bundle
        if bundle.manifest.label_set != "aami":
            raise MonitorError(
                f"model {bundle.manifest.name} tells {', '.join(bundle.manifest.classes)}, not the "
                "AAMI classes: it is for measuring on beats and cannot label a stream"
            )
        self._context = PatientContext(bundle.manifest)
        self._columns = [_CLASSES.index(AamiClass(name)) for name in bundle.manifest.classes]
        self._name = bundle.manifest.name

    def push(self, windows: list[BeatWindow], decided_sample: int) -> list[Beat]:
        """Label windows, in order; ``decided_sample`` is the last sample seen so far."""
        inputs = [self._context.push(window) for window in windows]
        valid = [k for k, window in enumerate(windows) if window.valid]
        probabilities = np.tile(np.array(_REFUSED), (len(windows), 1))
        if valid:
            signal = torch.from_numpy(np.stack([inputs[k][0] for k in valid]))
            features = torch.from_numpy(np.stack([inputs[k][1] for k in valid]))
            found = self._bundle.probabilities(signal, features).numpy().astype(np.float64)
            probabilities[valid] = 0.0
            probabilities[np.ix_(valid, self._columns)] = found
        return [
            self._beat(window, row, decided_sample)
            for window, row in zip(windows, probabilities.tolist(), strict=True)
        ]

    def _beat(self, window: BeatWindow, row: list[float], decided_sample: int) -> Beat:
        rpeak = window.rpeak
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
