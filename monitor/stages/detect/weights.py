"""The weights of the detector's networks: data, in ``weights.npz`` beside this file.

``python -m tools.train qrs`` and ``python -m tools.train deferred`` fit and write them;
``python -m tools.train weights`` shows what they are and where they come from.

The file holds, for each network and layer, ``NETWORK.LAYER.matrix`` (outputs, inputs) and
``NETWORK.LAYER.offsets`` (outputs,), both float64, and ``provenance``: one JSON object as text
for each network, with its name, the command that fitted it, the commit, the seeds, and SHA-256 of
the recordings.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Layers: TypeAlias = tuple[tuple[Array, Array], ...]
"""Matrix (outputs, inputs) and offsets (outputs,) of each layer."""

FILE = "weights.npz"


class Network(NamedTuple):
    """The weights of one network, and where they come from."""

    layers: Layers
    provenance: dict[str, Any]


def read(file: IO[bytes]) -> dict[str, Network]:
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
            networks[name] = Network(tuple(layers), provenance)
    return networks


@cache
def shipped() -> dict[str, Network]:
    """Give the networks that come with the program: ``qrs`` and ``deferred``."""
    with files(__package__).joinpath(FILE).open("rb") as file:
        return read(file)
