"""The shipped weights of the detector's networks have the measured values."""

import hashlib
import io
import json

import numpy as np
import pytest

from monitor.stages.detect import deferred_decision, networks
from monitor.stages.detect.features import Features
from monitor.stages.detect.networks import Layers, QrsNetwork

# of all values as float64, layer by layer, matrix then offsets: as they were fitted and measured
VALUES = {
    "qrs": "c2e29e35fc910c5557ee1c605af1eafdbff251e8054df07ab5c01801cceab112",
    "deferred": "5f0283765de17a7b346cac65b058e70346d0406429bd1e325f2a43b6212eefa3",
}
LOG_ODDS = -1.265128358  # of the shipped network for features from -1 to 1


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("qrs", (len(Features._fields), 64, 32, 1)),
        ("deferred", (len(deferred_decision.NAMES), 32, 16, 1)),
    ],
)
def test_the_layers_fit_the_inputs_of_the_networks(name: str, sizes: tuple[int, ...]) -> None:
    layers = networks.shipped()[name].layers
    assert [matrix.shape for matrix, _ in layers] == list(zip(sizes[1:], sizes, strict=False))
    assert [offsets.shape for _, offsets in layers] == [(size,) for size in sizes[1:]]
    assert {array.dtype for layer in layers for array in layer} == {np.dtype(np.float64)}


def test_the_features_have_the_order_of_the_fit() -> None:
    assert " ".join(Features._fields) == (
        "height height_low height_high slope correlation correlation_low size familiarity "
        "background noise ahead behind width step since_s since_rr irregular last_height rejected "
        "learnt"
    )


@pytest.mark.parametrize("name", VALUES)
def test_the_values_are_those_that_were_measured(name: str) -> None:
    digest = hashlib.sha256()
    for matrix, offsets in networks.shipped()[name].layers:
        digest.update(np.ascontiguousarray(matrix).tobytes())
        digest.update(offsets.tobytes())
    assert digest.hexdigest() == VALUES[name]


def test_log_odds_are_computed_from_the_layers() -> None:
    features = np.linspace(-1.0, 1.0, len(Features._fields))
    shipped = networks.shipped()["qrs"].layers
    (a, b), (c, d), (e, f) = shipped
    by_hand = e @ np.tanh(c @ np.tanh(a @ features + b) + d) + f
    computed = QrsNetwork(shipped).log_odds(features.tolist())
    assert computed == pytest.approx(by_hand.item(), abs=1e-12)
    assert by_hand.item() == pytest.approx(LOG_ODDS, abs=1e-9)


@pytest.mark.parametrize("name", VALUES)
def test_provenance_says_how_to_fit_them_again(name: str) -> None:
    told = networks.shipped()[name].provenance
    assert told["network"] == name
    assert told["command"].startswith("python -m tools.")
    assert len(told["commit"]) == 40
    assert len(told["data_sha256"]) == 64
    assert told["seeds"]


def layers(*shapes: tuple[int, int]) -> Layers:
    return tuple((np.zeros(shape), np.zeros(shape[0])) for shape in shapes)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((8, 19), (1, 8)), r"layer 0 is \(8, 19\) with 8 offsets, but has 20 inputs"),
        (((8, 20), (1, 7)), r"layer 1 is \(1, 7\) with 1 offsets, but has 8 inputs"),
        (((8, 20),), "the last layer has 8 outputs, not 1"),
    ],
)
def test_layers_that_do_not_fit_are_refused(
    shapes: tuple[tuple[int, int], ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        QrsNetwork(layers(*shapes), 20)


def test_no_object_in_the_file_is_loaded() -> None:
    file = io.BytesIO()
    np.savez(file, provenance=np.array([json.dumps({"network": "qrs"}), {}], dtype=object))
    file.seek(0)
    with pytest.raises(ValueError, match="allow_pickle"):
        networks.read(file)
