"""The simulated patient as a source of samples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from monitor.errors import MonitorError
from monitor.messages import FloatArray, Samples, StreamInfo
from monitor.sources.simulator.projection import lead_matrix
from monitor.sources.simulator.pulse import NAME as PULSE
from monitor.sources.simulator.render import Renderer
from monitor.sources.simulator.scenario import Scenario
from monitor.sources.simulator.scenario_file import scenario as load_scenario
from monitor.sources.simulator.timeline import timeline
from monitor.sources.simulator.truth import TrueBeat, TrueEpisode, Truth, TruthItem


class Simulator:
    """A simulated patient: a :class:`~monitor.sources.Source` that plays a scenario.

    The same arguments always give the same samples, bit for bit and whatever ``chunk_s``.
    When the beats come (in seconds) depends on scenario and seed alone, not on the rate.
    Every call of :meth:`chunks` starts anew; memory does not grow with time.

    Parameters
    ----------
    scenario
        A scenario, the name of a built-in one, or the path of a scenario file.
    rate_hz
        Sampling rate, 100 to 1000 Hz.
    leads
        Any of :data:`~monitor.sources.simulator.projection.LEADS`, the one to analyse first.
    seed
        Chooses among the patients that fit the scenario.
    stream
        Name of the stream.
    pulse
        Add the pulse wave at a finger, which follows each beat that moves blood, as the last lead.
    loop
        Play the scenario over and over (with other random numbers each time).
    duration_s
        Stop after so many seconds; default: once through, or never when looping.
    chunk_s
        Length of the pieces in seconds.
    keep_truth
        Collect reference annotations in :attr:`truth` as samples are given out. They grow
        with time: for streams without end take them from :meth:`chunks_with_truth`.

    Raises
    ------
    MonitorError
        If the scenario, a lead, the rate or another argument is not usable.

    Examples
    --------
    >>> simulator = Simulator("bigeminy", keep_truth=True)
    >>> sum(len(chunk.values_mv) for chunk in simulator.chunks())
    21600
    >>> [beat.symbol for beat in simulator.truth.beats[:4]]
    ['N', 'V', 'N', 'V']
    """

    def __init__(
        self,
        scenario: Scenario | str | Path,
        rate_hz: float = 360.0,
        leads: tuple[str, ...] = ("II", "V1"),
        seed: int = 0,
        stream: str = "demo",
        *,
        pulse: bool = False,
        loop: bool = False,
        duration_s: float | None = None,
        chunk_s: float = 0.1,
        keep_truth: bool = False,
    ) -> None:
        self.scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
        self.info = StreamInfo(
            stream,
            float(rate_hz),
            (*leads, PULSE) if pulse else tuple(leads),
            0,
            f"simulator: {self.scenario.name}",
            PULSE if pulse else "",
        )
        lead_matrix(leads)
        if len(set(leads)) != len(leads):
            raise MonitorError(f"simulator: a lead is named twice in {', '.join(leads)}")
        if seed < 0:
            raise MonitorError(f"simulator: seed {seed} is negative")
        for fault in self.scenario.faults:
            lead_matrix(fault.leads)  # of leads that exist but are not recorded, nothing is seen
        if not (math.isfinite(chunk_s) and 0.0 < chunk_s <= 3600.0):
            raise MonitorError(f"simulator: chunk_s {chunk_s:g} must lie in 0 to 3600")
        if duration_s is not None and not duration_s > 0.0:
            raise MonitorError(f"simulator: duration_s {duration_s:g} must be above 0")
        self._seed = seed
        self._loop = loop
        limit_s = duration_s if duration_s is not None else math.inf
        if not loop:
            limit_s = min(limit_s, self.scenario.duration_s)
        self._end: float = round(limit_s * rate_hz) if math.isfinite(limit_s) else math.inf
        self._chunk = max(1, round(chunk_s * rate_hz))
        self._truth = Truth() if keep_truth else None

    @property
    def samples(self) -> int | None:
        """Number of samples, with those lost in gaps; None without an end."""
        return None if math.isinf(self._end) else int(self._end)

    @property
    def truth(self) -> Truth:
        """Reference annotations of the samples given out so far (``keep_truth=True``)."""
        if self._truth is None:
            raise MonitorError("simulator: truth is kept only with keep_truth=True")
        return self._truth

    def chunks(self) -> Iterator[Samples]:
        """Give the samples from the start, lazily; a jump of ``start_sample`` is a gap."""
        for chunk, _ in self.chunks_with_truth():
            yield chunk

    def chunks_with_truth(self) -> Iterator[tuple[Samples, tuple[TruthItem, ...]]]:
        """Give each chunk with the new truth that begins before its end.

        Beats that fall into a gap of the stream are left out: nobody can find them.
        """
        if self._truth is not None:
            self._truth = Truth()
        pending: list[TruthItem] = []
        parts: list[FloatArray] = []
        held, start = 0, 0
        for first, values, gap, items in self._runs():
            pending += items
            if gap or first != start + held:
                if held:
                    yield self._emit(start, parts, pending)
                parts, held, start = [], 0, first
            if gap:
                start = first + len(values)
                continue
            parts.append(values)
            held += len(values)
            while held >= self._chunk:
                whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
                yield self._emit(start, [whole[: self._chunk]], pending)
                parts, held, start = [whole[self._chunk :]], held - self._chunk, start + self._chunk
        if held:
            yield self._emit(start, parts, pending)

    def _emit(
        self, start: int, parts: list[FloatArray], pending: list[TruthItem]
    ) -> tuple[Samples, tuple[TruthItem, ...]]:
        values = np.concatenate(parts)
        end = start + len(values)
        due = tuple(item for item in pending if item.sample < end)
        pending[:] = [item for item in pending if item.sample >= end]
        if self._truth is not None:
            self._truth.add(due)
        return Samples(self.info.stream, start, values), due

    def _runs(self) -> Iterator[tuple[int, FloatArray, bool, list[TruthItem]]]:
        """Give pieces that lie wholly inside or wholly outside a gap, up to the end."""
        info = self.info
        events = timeline(self.scenario, self._seed, self._loop)
        gaps: list[tuple[int, int]] = []
        drawn = Renderer(events, info.rate_hz, info.ecg.leads, self._seed, bool(info.pulse))
        for first, values, items in drawn.blocks():
            count = min(len(values), max(0, self._end - first))
            if count <= 0:
                return
            stop = first + int(count)
            gaps = [gap for gap in gaps if gap[1] > first]
            gaps += [
                (item.sample, item.end_sample)
                for item in items
                if isinstance(item, TrueEpisode) and item.kind == "gap"
            ]
            lost = np.zeros(len(values), dtype=bool)
            for begin, end in gaps:
                lost[max(0, begin - first) : max(0, end - first)] = True
            seen = [
                item
                for item in items
                if item.sample < stop
                and not (isinstance(item, TrueBeat) and lost[item.sample - first])
            ]
            edges = np.flatnonzero(np.diff(lost[: stop - first])) + 1
            bounds = [0, *edges.tolist(), stop - first]
            for begin, end in itertools.pairwise(bounds):
                run = values[begin:end]
                yield first + begin, run, bool(lost[begin]), seen
                seen = []


def simulate(simulator: Simulator) -> tuple[FloatArray, Truth]:
    """Play a simulator to its end: values in mV, shape (n, leads), and the truth.

    Samples lost in gaps are NaN, so that rows are sample indices.

    Raises
    ------
    MonitorError
        If the simulator has no end.
    """
    if simulator.samples is None:
        raise MonitorError("simulator: it loops for ever; give duration_s")
    out = np.full((simulator.samples, len(simulator.info.leads)), np.nan, dtype=np.float32)
    truth = Truth()
    for chunk, items in simulator.chunks_with_truth():
        out[chunk.start_sample : chunk.end_sample] = chunk.values_mv
        truth.add(items)
    return out, truth
