"""Checkpoints of a training: written whole, and taken up only by the training that wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from monitor.errors import MonitorError


def identity(arrays: Iterable[ArrayLike], *settings: object) -> str:
    """Tell one training from another: the hash of what it learns from and of its settings."""
    digest = hashlib.sha256(repr(settings).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def save(path: Path, training: str, state: dict[str, Any]) -> None:
    """Write a checkpoint; a crash in the middle leaves the one before."""
    part = path.with_suffix(".part")
    torch.save({"training": training, **state}, part)
    part.replace(path)


def load(path: Path | None, training: str) -> dict[str, Any] | None:
    """Read the checkpoint of a training; None if there is none.

    Raises
    ------
    MonitorError
        If it cannot be read, or was written by a training with other beats or settings.
    """
    if path is None or not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except Exception as error:  # whatever torch's reader stumbles over
        raise MonitorError(f"cannot read checkpoint {path}: remove it to begin anew") from error
    if state.get("training") != training:
        raise MonitorError(
            f"checkpoint {path} is of a training with other beats or settings: remove it to "
            "begin anew, or give another --work"
        )
    return state
