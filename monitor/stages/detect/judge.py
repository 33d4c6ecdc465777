"""From evidence to log odds: a small network fitted on DS1 by ``tools/fit_detect.py``.

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
    """Log odds of a candidate: fully connected layers with tanh between them."""

    numbers = NUMBERS

    def __init__(self) -> None:
        numbers = np.array(self.numbers.split(), dtype=np.float64)
        self._layers: list[tuple[Array, Array]] = []
        inputs, at = len(NAMES), 0
        for outputs in LAYERS:
            matrix = numbers[at : at + inputs * outputs].reshape(outputs, inputs)
            at += inputs * outputs
            self._layers.append((matrix, numbers[at : at + outputs]))
            at += outputs
            inputs = outputs
        if at != len(numbers):
            raise ValueError(f"the judge's weights are {len(numbers)} numbers, not {at}")

    def log_odds(self, figures: list[float]) -> float:
        """Log odds that the candidate is a QRS complex."""
        x = np.array(figures)
        for matrix, bias in self._layers[:-1]:
            x = np.tanh(np.dot(matrix, x) + bias)
        matrix, bias = self._layers[-1]
        return float(np.dot(matrix[0], x) + bias[0])
