"""Makes the inputs of the network: the scaled beat, and features that compare it to the usual.

A beat is abnormal against the patient's own rhythm (:mod:`monitor.stages.intervals`) and the
patient's own usual beat (:mod:`monitor.stages.groups`). Both are learnt without labels.
Everything is a function of the beats so far in sample order, and memory is bounded.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.messages import FloatArray
from monitor.models.manifest import Manifest
from monitor.stages.groups import BeatGroups
from monitor.stages.intervals import RRHistory
from monitor.stages.segment import BeatWindow

FEATURES = (
    "rr",  # log of the RR interval in s
    "rr_long",  # log RR against the long-run mean
    "rr_q90",  # ... the 90 % quantile of the last 512
    "rr_med8",  # ... the median of the last 8
    "rr_med64",  # ... the median of the last 64
    "rr_prev",  # ... the previous RR
    "prev_long",  # previous RR against the long-run mean
    "prev2_long",  # the one before
    "rr_rank",  # share of the last 64 RR intervals that are shorter
    "rr_z",  # (log RR - median of 64) in units of their spread
    "change16",  # median of |change of log RR| over the last 16
    "change64",  # ... over the last 64
    "change_mean32",  # mean of the same over 32
    "mean_rr",  # log of the long-run mean RR in s
    "rr_usual_q90",  # log RR against the 90 % quantile of the last 512 between usual beats
    "rr_usual_med32",  # ... the median of the last 32 of them
    "since_usual",  # log of the time since the last usual beat against the same
    "qrs_corr",  # correlation of the QRS with that of the dominant beat
    "qrs_size",  # log of its size against the dominant beat
    "p_corr",  # correlation of the P wave part with the dominant beat
    "p_diff",  # rms difference there, in units of the dominant QRS
    "t_corr",  # correlation of the ST-T part
    "t_diff",  # rms difference there
    "group_share",  # share of the beats in the group that this beat joins
    "group_rr",  # mean log RR / long-run mean of that group
    "group_dominant",  # 1 if that group is the dominant one
    "group_corr",  # likeness to the group
    "width",  # log of the duration of the QRS (spread of its slope energy)
    "width_ratio",  # log of the same against the dominant beat
    "prev_corr",  # qrs_corr of the previous beat
    "prev2_corr",  # of the one before
    "corr16",  # running mean of qrs_corr over about 16 beats before: noise
    "p_corr16",  # of p_corr over dominant beats: organised atrial activity
    "p_diff16",  # of p_diff over dominant beats: noise, fibrillation
    "p_best",  # correlation of the P wave part with the dominant beat, moved by up to 32 ms
    "p_best_diff",  # rms difference there, in units of the dominant QRS
    "rr_known",  # 0 after a start or a hole
    "beats",  # log of the number of beats seen, saturating
)
"""Names of the context features, in the order of the vector."""

TO_NEXT_RR = 1.2  # end of a window to the next R peak, in intervals to it


class PatientContext:
    """Turns beat windows into network inputs, learning the patient as it goes.

    Parameters
    ----------
    manifest
        Which scaling, channels and features the network takes.

    Raises
    ------
    MonitorError
        If the manifest asks for a feature that is not known here.
    """

    def __init__(self, manifest: Manifest) -> None:
        for name in manifest.features:
            if name not in FEATURES:
                raise MonitorError(
                    f"model {manifest.name}: its manifest asks for the feature {name!r}; "
                    f"known: {', '.join(FEATURES)}"
                )
        self._manifest = manifest
        self._select = [FEATURES.index(name) for name in manifest.features]
        self._learns = (
            bool(manifest.features)
            or "template" in manifest.channels
            or manifest.scaling == "template"
        )
        self._rr = RRHistory()
        self._groups: dict[int, BeatGroups] = {}
        self._beats = 0

    def push(self, window: BeatWindow) -> tuple[FloatArray, FloatArray]:
        """Give (leads x channels, length) and (leads x features,) of one beat.

        Windows come in sample order. A window that is not valid teaches the RR statistics
        only. A second lead that is missing gives zeros.
        """
        manifest = self._manifest
        rr_features, log_rr = self._rr.push(window.rr_s) if self._learns else ([], 0.0)
        known = float(window.rr_s is not None)
        shared = rr_features, log_rr, [known, math.log1p(min(self._beats, 200))]
        signal = np.zeros((manifest.signal_rows, manifest.length), np.float32)
        features = np.zeros(manifest.feature_count, np.float32)
        leads = [(window.rpeak.lead, window.values_mv)]
        if window.second_mv is not None and window.second_lead is not None:
            leads.append((window.second_lead, window.second_mv))
        rows, count = len(manifest.channels), len(manifest.features)
        for k, (lead, values) in enumerate(leads):
            found, chosen = self._lead(lead, values.astype(np.float64), window, *shared)
            signal[k * rows : (k + 1) * rows, : found.shape[1]] = found
            features[k * count : (k + 1) * count] = chosen
        if window.valid and self._learns:
            if self._groups[window.rpeak.lead].joined_dominant:
                self._rr.learn_usual()
            self._beats += 1
        return signal, features

    def _lead(
        self,
        lead: int,
        values: NDArray[np.float64],
        window: BeatWindow,
        rr_features: list[float],
        log_rr: float,
        state: list[float],
    ) -> tuple[NDArray[np.float64], list[float]]:
        """Give (channels, samples) and the features of one lead; and learn its shape."""
        manifest = self._manifest
        groups = None
        chosen = [0.0] * len(self._select)
        if self._learns:
            groups = self._groups.get(lead)
            if groups is None:
                groups = BeatGroups(len(values), manifest.r_index, manifest.rate_hz)
                self._groups[lead] = groups
            if window.valid:
                features = [*rr_features, *groups.push(values, log_rr), *state]
                chosen = [features[i] for i in self._select]
        rows = [values if name == "beat" or groups is None else groups.dominant
                for name in manifest.channels]  # fmt: skip
        if manifest.window == "to_next" and window.following_rr_s is not None:
            count = math.ceil(TO_NEXT_RR * window.following_rr_s * manifest.rate_hz)
            rows = [row[:count] for row in rows]
        return np.stack([self._scaled(row, groups) for row in rows]), chosen

    def _scaled(self, row: NDArray[np.float64], groups: BeatGroups | None) -> NDArray[np.float64]:
        scaling = self._manifest.scaling
        if scaling == "template" and groups is not None:
            scaled = row / groups.scale()
            return np.minimum(np.maximum(scaled, -8.0), 8.0)
        if scaling == "minmax":
            return np.asarray((row - row.min()) / max(float(np.ptp(row)), 1e-6))
        if scaling == "zscore":
            return np.asarray((row - row.mean()) / max(float(row.std()), 1e-6))
        return row
