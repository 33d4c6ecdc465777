"""Networks by name: what a file of weights names, and how the network is made from it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from monitor.errors import MonitorError
from monitor.models.beat_networks import BeatCnn, BeatCnnBiLstm, BeatLstm, BeatNetwork
from monitor.models.networks import CnnBiLstm

ARCHITECTURES: dict[str, type[CnnBiLstm] | type[BeatNetwork]] = {
    kind.__name__: kind for kind in (CnnBiLstm, BeatCnn, BeatCnnBiLstm, BeatLstm)
}


def describe(net: nn.Module) -> dict[str, Any] | None:
    """Say from what ``net`` is made, as JSON values; None if it is not one of ours."""
    if isinstance(net, CnnBiLstm | BeatNetwork):
        return {"architecture": type(net).__name__, "arguments": net.arguments()}
    return None


def safe_weights(net: nn.Module) -> dict[str, Tensor]:
    """Give the weights of a network that :func:`describe` knows, as :func:`rebuild` takes them."""
    assert isinstance(net, CnnBiLstm | BeatNetwork)
    return dict(net.streamlined().state_dict())


def rebuild(network: Any, weights: dict[str, Tensor], source: str) -> nn.Module:
    """Make the network that :func:`describe` told of, with its weights.

    Parameters
    ----------
    network
        What :func:`describe` gave, or what a file says instead.
    weights
        Of the streamlined network: tensors by name, float32.
    source
        Of both, for people.

    Raises
    ------
    MonitorError
        If the architecture is not known, or the weights are not those of such a network.
    """
    if not isinstance(network, dict) or set(network) != {"architecture", "arguments"}:
        raise MonitorError(f"model {source} does not say of which architecture its weights are")
    name, arguments = network["architecture"], network["arguments"]
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise MonitorError(
            f"model {source} is of architecture {name!r}; known: {', '.join(ARCHITECTURES)}"
        )
    for key, tensor in weights.items():
        if tensor.dtype != torch.float32:
            raise MonitorError(f"model {source}: its weights {key!r} are not float32")
    try:
        with torch.device("meta"):  # no memory is taken for what a file only claims
            net = ARCHITECTURES[name](**arguments).streamlined()
        # copies: where a tensor lies in memory can choose another kernel
        net.load_state_dict({k: v.clone() for k, v in weights.items()}, assign=True)
    except Exception as error:  # whatever a made-up description leads to
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MonitorError(
            f"model {source}: its weights do not make a network {name}: {first}"
        ) from error
    return net.requires_grad_(False).eval()
