"""Leads that give no samples, while the stream goes on."""

from __future__ import annotations

import numpy as np

from monitor.messages import LeadState
from monitor.stages.hop import Hop


class Absent:
    """Tells for each lead since when it has been without samples (NaN).

    A lead counts as soon as it has been called invalid for the time asked for and samples are
    still missing: by then a short hole is over, and only waits for the lead to be called good. It
    counts until it is no longer invalid, so samples that come now and then do not end it.

    Parameters
    ----------
    leads
        Number of leads.
    """

    def __init__(self, leads: int) -> None:
        self._leads = leads
        self.forget()

    def forget(self) -> None:
        """Start anew: samples of all leads were missing."""
        self._invalid_since: list[int | None] = [None] * self._leads
        self.since: tuple[int | None, ...] = (None,) * self._leads
        self.any = self._invalid = False  # a lead is absent; has been invalid

    def take(self, hop: Hop, samples: float) -> None:
        """Take one hop; a lead must have been invalid for ``samples``."""
        if LeadState.INVALID not in hop.quality.leads:
            if self._invalid:
                self.forget()
            return
        self._invalid = True
        block = hop.block
        since = list(self.since)
        for lead, state in enumerate(hop.quality.leads):
            if state is not LeadState.INVALID:
                self._invalid_since[lead] = since[lead] = None
                continue
            began = self._invalid_since[lead]
            if began is None:
                began = self._invalid_since[lead] = block.start_sample
            missing = np.flatnonzero(np.isnan(block.values_mv[:, lead]))
            if not len(missing) or since[lead] is not None:
                continue
            if block.start_sample + int(missing[-1]) + 1 - began >= samples:
                since[lead] = began
        self.since = tuple(since)
        self.any = any(began is not None for began in since)
