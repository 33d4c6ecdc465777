"""The stages of the analysis: pure and synchronous.

Rules that hold for every module in this folder:

1. No socket, file, clock, thread or terminal. The output is a function of the samples
   pushed so far, and of nothing else: any chunking and any replay speed give
   bit-identical results.
2. After :mod:`monitor.stages.blocks` every stage sees whole hops only, on the absolute
   sample index. A hop whose ``start_sample`` is not the previous ``end_sample`` follows a
   hole: the stage forgets what the hole invalidates, and nothing else.
3. NaN marks invalid samples and never spreads beyond what was computed from them.
4. ``flush()`` is called once, at the end. It gives what still waited for later samples.

A new detector is registered by name, or given in the settings by dotted path
(``mylab.detect:Wavelet``).
"""

from __future__ import annotations

from typing import Protocol

from monitor.messages import Quality, RPeak, Samples


class Detector(Protocol):
    """Finds R peaks in a stream of hops. Made as ``Detector(info, settings)``.

    Peaks come in increasing order of ``sample``, each once. A peak older than 8 s is labelled Q. No
    peak lies after the last sample that came: the last hop of a stream is filled up with NaN.
    ``decided_sample`` is the end of the hop in which the peak was decided
    (``block.end_sample - 1``), ``stream`` that of ``info``, ``lead`` an index into its leads.

    Examples
    --------
    A whole detector, if a poor one:

    >>> class Threshold:
    ...     def __init__(self, info, settings):
    ...         self.info, self.next_sample = info, info.start_sample
    ...
    ...     def push(self, block, quality):
    ...         peaks = []
    ...         for sample, values in enumerate(block.values_mv, block.start_sample):
    ...             if values[0] > 0.7 and sample >= self.next_sample:
    ...                 peaks.append(RPeak(self.info.stream, sample, block.end_sample - 1))
    ...                 self.next_sample = sample + round(0.3 * self.info.rate_hz)
    ...         return peaks
    ...
    ...     def flush(self):
    ...         return []
    """

    def push(self, block: Samples, quality: Quality) -> list[RPeak]:
        """Take one hop, give the R peaks that can be decided now."""
        ...

    def flush(self) -> list[RPeak]:
        """Give the peaks still waiting when the stream ends."""
        ...
