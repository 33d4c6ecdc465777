"""The small network that turns the features of a candidate into log odds.

Rules that hold here:

1. Log odds are natural logarithms: 0 means that a QRS complex and no QRS complex are equally
   likely.
2. The inputs of the first network are :class:`monitor.stages.detect.features.Features`, in their
   order. ``python -m tools.train qrs`` fits it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.stages.detect import weights
from monitor.stages.detect.features import Features
from monitor.stages.detect.weights import Layers


class QrsNetwork:
    """Log odds of a candidate: fully connected layers with tanh between them.

    Parameters
    ----------
    layers
        Matrix (outputs, inputs) and offsets (outputs,) of each layer; the last has one output.
    inputs
        Number of inputs.

    Raises
    ------
    ValueError
        If the layers do not fit each other, or the inputs.
    """

    def __init__(self, layers: Layers, inputs: int = len(Features._fields)) -> None:
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

    def log_odds(self, inputs: Sequence[float]) -> float:
        """Log odds that the candidate is a QRS complex."""
        x = np.array(inputs)
        for matrix, bias in self.layers[:-1]:
            x = np.tanh(np.dot(matrix, x) + bias)
        matrix, bias = self.layers[-1]
        return float(np.dot(matrix[0], x) + bias[0])


def shipped_qrs_network() -> QrsNetwork:
    """Give the shipped first network."""
    return QrsNetwork(weights.shipped()["qrs"].layers)
