"""The safe form of a model: weights without code, and the name of their architecture.

A ``safetensors`` file whose metadata holds, under one key, JSON with ``network`` (see
:func:`monitor.models.architectures.describe`) and, in a file of its own, ``manifest``. Nothing in
it can be run: the network is made by this program's own code.
"""

from __future__ import annotations

import json
from typing import Any

from monitor.errors import MonitorError

KEY = "ecg-monitor"
SUFFIX = ".safetensors"
MAX_HEADER = 2**20  # bytes


def is_weights(content: bytes) -> bool:
    """Tell whether a file begins as safetensors does: the length of its header, then JSON."""
    return content[8:9] == b"{"


def header(content: bytes, source: str) -> dict[str, Any]:
    """Give what a file says of itself: ``network``, and ``manifest`` if it is inside.

    Raises
    ------
    MonitorError
        If the file is damaged, or was not written by this program.
    """
    length = int.from_bytes(content[:8], "little")
    try:
        if not is_weights(content) or length > min(MAX_HEADER, len(content) - 8):
            raise ValueError("no header")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
        said = json.loads(metadata[KEY]) if KEY in metadata else None
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise MonitorError(f"model {source} is damaged, or not a safetensors file") from error
    if not isinstance(said, dict):
        raise MonitorError(
            f"model {source} holds weights alone: its metadata lacks {KEY!r}, which names the "
            "architecture; write it with: ecg-monitor models MODEL --export FILE"
        )
    return said


def pack(weights: dict[str, Any], said: dict[str, Any]) -> bytes:
    """Give the bytes of a file with tensors (by name) and what is said of them."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().contiguous() for name, tensor in weights.items()}
    return bytes(save(tensors, {KEY: json.dumps(said, sort_keys=True)}))


def unpack(content: bytes, source: str) -> dict[str, Any]:
    """Give the tensors of a file, by name.

    Raises
    ------
    MonitorError
        If the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return dict(load(content))
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        first = (str(error).strip().splitlines() or ["damaged"])[0]
        raise MonitorError(f"model {source} is not a readable safetensors file: {first}") from error


def with_manifest(content: bytes, manifest: str, source: str) -> bytes:
    """Give a payload as a file of its own: the same weights, with the manifest (JSON) added."""
    said = {**header(content, source), "manifest": json.loads(manifest)}
    return pack(unpack(content, source), said)
