"""From evidence to log odds: a small network fitted by ``tools/train/qrs.py``.

Rules that hold here:

1. The log odds are natural logarithms: 0 means as likely a QRS complex as not.
2. Inputs are the figures of :data:`monitor.stages.detect.evidence.NAMES`, in that order.
"""

from __future__ import annotations

import numpy as np

from monitor.stages.detect.evidence import NAMES
from monitor.stages.detect.weights import Layers, shipped


class Judge:
    """Log odds of a candidate: fully connected layers with tanh between them.

    Parameters
    ----------
    layers
        Matrix (outputs, inputs) and offsets (outputs,) of each layer; the last has one output.
    inputs
        How many figures it is told.

    Raises
    ------
    ValueError
        If the layers do not fit each other, or the inputs.
    """

    def __init__(self, layers: Layers, inputs: int = len(NAMES)) -> None:
        for k, (matrix, offsets) in enumerate(layers):
            if matrix.shape != (len(offsets), inputs):
                raise ValueError(
                    f"layer {k} is {matrix.shape} with {len(offsets)} offsets, but has "
                    f"{inputs} inputs"
                )
            inputs = len(offsets)
        if inputs != 1:
            raise ValueError(f"the last layer has {inputs} outputs, not 1")
        self.layers = layers

    def log_odds(self, figures: list[float]) -> float:
        """Log odds that the candidate is a QRS complex."""
        x = np.array(figures)
        for matrix, bias in self.layers[:-1]:
            x = np.tanh(np.dot(matrix, x) + bias)
        matrix, bias = self.layers[-1]
        return float(np.dot(matrix[0], x) + bias[0])


def shipped_judge() -> Judge:
    """Give the network that is shipped."""
    return Judge(shipped()["qrs"].layers)
