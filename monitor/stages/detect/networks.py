"""The networks of the detector: they turn the features of a candidate into log odds.

Rules that hold here:

1. Log odds are natural logarithms: 0 means that a QRS complex and no QRS complex are equally
   likely.
2. The weights are in ``weights.npz`` beside this file. ``python -m tools.train qrs`` and
   ``python -m tools.train deferred`` fit and write them; ``python -m tools.train weights`` shows
   their layers and origin.
3. The file holds, for each network and layer, ``NETWORK.LAYER.matrix`` (outputs, inputs) and
   ``NETWORK.LAYER.offsets`` (outputs,), both float64. ``provenance`` is one JSON object as text for
   each network: its name, the command that fitted it, the commit, the seeds, and SHA-256 of the
   recordings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.stages.detect.features import Features

Array = NDArray[np.float64]
Layers: TypeAlias = tuple[tuple[Array, Array], ...]
"""Matrix (outputs, inputs) and offsets (outputs,) of each layer."""

FILE = "weights.npz"


class Weights(NamedTuple):
    """The weights of one network, and their origin."""

    layers: Layers
    provenance: dict[str, Any]


def read(file: IO[bytes]) -> dict[str, Weights]:
    """Read the networks of a file of weights, by name.

    Parameters
    ----------
    file
        Open for reading; no pickled object in it is loaded.

    Raises
    ------
    KeyError, ValueError
        If it is not a file of weights.
    """
    networks = {}
    with np.load(file, allow_pickle=False) as arrays:
        for text in arrays["provenance"]:
            provenance = json.loads(str(text))
            name = provenance["network"]
            layers = [
                (arrays[f"{name}.{k}.matrix"], arrays[f"{name}.{k}.offsets"])
                for k in range(provenance["layers"])
            ]
            networks[name] = Weights(tuple(layers), provenance)
    return networks


@cache
def shipped() -> dict[str, Weights]:
    """Give the shipped networks: ``qrs`` and ``deferred``."""
    with files(__package__).joinpath(FILE).open("rb") as file:
        return read(file)


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
