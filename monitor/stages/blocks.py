"""Cuts the stream into hops of fixed length on the absolute sample index.

Every later stage sees whole hops only, so nothing depends on how the samples were chunked. This
costs at most one hop of latency.
"""

from __future__ import annotations

import numpy as np

from monitor.config import BlockSettings
from monitor.errors import MonitorError
from monitor.messages import FloatArray, Gap, GapKind, Samples, StreamInfo


class Blocks:
    """Cuts a stream into hops and reports every hole and overlap.

    Hop ``k`` covers the samples ``k * hop_samples`` to ``(k + 1) * hop_samples - 1`` of the
    stream, whatever its first sample. Samples that are missing inside a hop are NaN; hops of
    which no sample came are left out, so the next ``start_sample`` jumps. Infinite values
    become NaN.

    Parameters
    ----------
    info
        The stream; samples are expected from ``info.start_sample`` on.
    settings
        Hop length.
    """

    def __init__(self, info: StreamInfo, settings: BlockSettings) -> None:
        self.hop_samples = max(1, round(settings.hop_s * info.rate_hz))
        self._stream = info.stream
        self._leads = len(info.leads)
        self._expected = info.start_sample
        self._begin_hop(info.start_sample)

    @property
    def expected_sample(self) -> int:
        """Index of the next sample that has not been seen."""
        return self._expected

    def push(self, samples: Samples) -> list[Samples | Gap]:
        """Take any number of samples; give the hops they complete and the gaps they reveal.

        Raises
        ------
        MonitorError
            If the array does not have shape (n, leads), or the samples are of another stream.
        """
        if samples.stream != self._stream:
            raise MonitorError(
                f"stream {self._stream}: got samples of stream {samples.stream}; each stream needs "
                "a pipeline of its own"
            )
        values = samples.values_mv
        if values.ndim != 2 or values.shape[1] != self._leads:
            raise MonitorError(
                f"stream {self._stream}: samples of shape {values.shape} do not fit "
                f"{self._leads} lead(s); send (samples, {self._leads})"
            )
        out: list[Samples | Gap] = []
        start = samples.start_sample
        if start < self._expected:
            dropped = min(self._expected - start, len(values))
            if dropped:
                out.append(Gap(self._stream, start, dropped, GapKind.OVERLAP))
            values = values[dropped:]
            start = self._expected
        if not len(values):
            return out
        if start > self._expected:
            if start >= self._start + self.hop_samples:
                out += self._take_hop()
                self._begin_hop(start)
            out.append(Gap(self._stream, self._expected, start - self._expected, GapKind.HOLE))
        done = 0
        while done < len(values):
            offset = start + done - self._start
            count = min(self.hop_samples - offset, len(values) - done)
            self._hop[offset : offset + count] = values[done : done + count]
            self._any = True
            done += count
            if offset + count == self.hop_samples:
                out += self._take_hop()
                self._begin_hop(start + done)
        self._expected = start + done
        return out

    def flush(self) -> list[Samples]:
        """Give the last, unfinished hop, filled up with NaN."""
        hop = self._take_hop()
        self._begin_hop(self._expected)
        return hop

    def _begin_hop(self, sample: int) -> None:
        self._start = sample // self.hop_samples * self.hop_samples
        self._hop: FloatArray = np.full((self.hop_samples, self._leads), np.nan, np.float32)
        self._any = False

    def _take_hop(self) -> list[Samples]:
        if not self._any:
            return []
        hop = self._hop
        hop[np.isinf(hop)] = np.nan
        hop.flags.writeable = False
        return [Samples(self._stream, self._start, hop)]
