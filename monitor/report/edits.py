"""Applies what a reader corrected: a WFDB annotation file whose beats take the place of ours.

The page of a report saves such a file. It holds every beat of the recording, so it can be scored
and read by any WFDB tool. Rhythms and alerts stay as the monitor had them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monitor.analysis import Analysis
from monitor.errors import MonitorError
from monitor.messages import AamiClass, Beat
from monitor.report.spans import Span, unusable
from monitor.score import read_annotations
from monitor.score.annotations import EC57_CLASSES

BY_HAND = "edited"


def apply_edits(analysis: Analysis, file: Path) -> tuple[Analysis, int]:
    """Give the analysis with the beats of ``file``, and how many beats differ.

    A beat that is relabelled, removed or new counts as one that differs.

    Raises
    ------
    MonitorError
        If the file cannot be read, or belongs to another recording.
    """
    table, rate_hz = read_annotations(file.with_suffix(""), file.suffix.removeprefix("."))
    info = analysis.info
    if rate_hz is not None and abs(rate_hz - info.rate_hz) > 1e-6 * rate_hz:
        raise MonitorError(
            f"{file} is of a recording at {rate_hz:g} Hz, {analysis.name} has {info.rate_hz:g} Hz"
        )
    wanted = {
        sample: AamiClass(EC57_CLASSES[symbol])
        for sample, symbol in zip(table.samples.tolist(), table.symbols, strict=True)
        if symbol in EC57_CLASSES
    }
    if not wanted:
        raise MonitorError(f"{file} has no beats")
    outside = [s for s in wanted if not info.start_sample <= s < analysis.end_sample]
    if outside:
        raise MonitorError(
            f"{file} is of another recording: it has a beat at sample {outside[0]}, but "
            f"{analysis.name} reaches from {info.start_sample} to {analysis.end_sample}"
        )
    before = {beat.sample: beat for beat in analysis.beats}
    changed = sum(s not in before or before[s].label is not label for s, label in wanted.items())
    changed += len(before.keys() - wanted.keys())
    beats = _beats(analysis, wanted, before)
    others = [event for event in analysis.events if not isinstance(event, Beat)]
    return replace(analysis, events=(*others, *beats)), changed


def _beats(
    analysis: Analysis, wanted: dict[int, AamiClass], before: dict[int, Beat]
) -> Sequence[Beat]:
    info = analysis.info
    bad = unusable(
        analysis.quality, analysis.holes, info.rate_hz, info.start_sample, analysis.end_sample
    )
    old = [beat.sample for beat in analysis.beats]
    came_after = dict(zip(old[1:], old[:-1], strict=True))
    out: list[Beat] = []
    last: int | None = None
    for sample in sorted(wanted):
        label, beat = wanted[sample], before.get(sample)
        same = beat is not None and came_after.get(sample) == last
        rr_s = beat.rr_s if beat is not None and same else _interval_s(analysis, last, sample, bad)
        if beat is None:
            sure = tuple(float(label is one) for one in AamiClass)
            n, s, v, f, q = sure
            beat = Beat(info.stream, sample, sample, label, (n, s, v, f, q), rr_s, 0, BY_HAND)
        elif beat.label is not label:
            beat = replace(beat, label=label, classifier=BY_HAND, rr_s=rr_s)
        else:
            beat = replace(beat, rr_s=rr_s)
        out.append(beat)
        last = sample
    return out


def _interval_s(
    analysis: Analysis, last: int | None, sample: int, bad: Sequence[Span]
) -> float | None:
    """Give the interval between two beats, None if the signal between them was not usable."""
    if last is None:
        return None
    first_s, last_s = analysis.seconds(last), analysis.seconds(sample)
    if any(first < last_s and end > first_s for first, end in bad):
        return None
    return (sample - last) / analysis.info.rate_hz
