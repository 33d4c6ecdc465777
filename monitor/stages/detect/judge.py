"""From evidence to log odds: a small network fitted by ``tools/train/qrs.py``.

Rules that hold here:

1. The log odds are natural logarithms: 0 means as likely a QRS complex as not.
2. Inputs are the figures of :data:`monitor.stages.detect.evidence.NAMES`, in that order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.evidence import NAMES
from monitor.stages.detect.weights import LAYERS, NUMBERS

Array = NDArray[np.float64]


class Judge:
    """Log odds of a candidate: fully connected layers with tanh between them.

    Parameters
    ----------
    sizes
        Outputs of each layer.
    numbers
        All weights as text: layer by layer the matrix, row by row, then the offsets.
    inputs
        How many figures it is told.

    Attributes
    ----------
    layers
        Matrix (outputs, inputs) and offsets (outputs,) of each layer.

    Raises
    ------
    ValueError
        If there are more or fewer numbers than the layers need.
    """

    def __init__(
        self,
        sizes: tuple[int, ...] = LAYERS,
        numbers: str = NUMBERS,
        inputs: int = len(NAMES),
    ) -> None:
        values = np.array(numbers.split(), dtype=np.float64)
        self.layers: list[tuple[Array, Array]] = []
        at = 0
        needed = sum((i + 1) * o for i, o in zip((inputs, *sizes), sizes, strict=False))
        if needed != len(values):
            raise ValueError(f"the judge's weights are {len(values)} numbers, not {needed}")
        for outputs in sizes:
            matrix = values[at : at + inputs * outputs].reshape(outputs, inputs)
            at += inputs * outputs
            self.layers.append((matrix, values[at : at + outputs]))
            at += outputs
            inputs = outputs

    def log_odds(self, figures: list[float]) -> float:
        """Log odds that the candidate is a QRS complex."""
        x = np.array(figures)
        for matrix, bias in self.layers[:-1]:
            x = np.tanh(np.dot(matrix, x) + bias)
        matrix, bias = self.layers[-1]
        return float(np.dot(matrix[0], x) + bias[0])
