"""Project the heart vector onto surface leads.

Every wave is a vector in the body (x to the left, y to the feet, z to the back), so that
all leads of a beat belong together: Einthoven's law holds, a wave isoelectric in one lead
is seen in another, and a shifted axis changes all leads at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError

_I = (0.632, -0.235, 0.059)
_II = (0.235, 1.066, -0.132)

_DIRECTIONS: dict[str, tuple[float, float, float]] = {
    "I": _I,
    "II": _II,
    "MLII": _II,  # II with electrodes on the chest
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}


def _combine(a: float, b: float) -> tuple[float, float, float]:
    return (a * _I[0] + b * _II[0], a * _I[1] + b * _II[1], a * _I[2] + b * _II[2])


_DIRECTIONS |= {
    "III": _combine(-1.0, 1.0),
    "aVR": _combine(-0.5, -0.5),
    "aVL": _combine(1.0, -0.5),
    "aVF": _combine(-0.5, 1.0),
}

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "MLII")
"""Leads that can be simulated."""


def lead_matrix(leads: Sequence[str]) -> NDArray[np.float64]:
    """Directions of leads, shape (len(leads), 3): ``vectors_mv @ matrix.T`` gives lead voltages.

    Raises
    ------
    MonitorError
        If a lead is not one of :data:`LEADS`.

    References
    ----------
    Dower, Machado, Osborne (1980), On deriving the electrocardiogram from
    vectorcardiographic leads, Clinical Cardiology 3:87-95, for the eight independent leads;
    the other four limb leads follow from I and II.
    """
    for lead in leads:
        if lead not in _DIRECTIONS:
            raise MonitorError(f"cannot simulate lead {lead!r}; known: {', '.join(LEADS)}")
    return np.array([_DIRECTIONS[lead] for lead in leads]).reshape(-1, 3)
