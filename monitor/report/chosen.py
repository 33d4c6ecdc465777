"""Which strips a reader wants to see: extremes, and examples of each kind of alert. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.messages import Alert, AlertKind, Priority
from monitor.report.figures import Figures
from monitor.report.spans import EPISODE_S, Span

MAX_STRIPS = 40
OF_A_KIND = 3  # of an alert, the first ones; of high priority more
OF_HIGH_PRIORITY = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """A strip worth showing: its middle and the stretch to shade, in seconds, and why."""

    title: str
    at_s: float
    span_s: Span | None = None


def chosen(
    figures: Figures, raised: Sequence[Alert], rate_hz: float, start_sample: int
) -> tuple[Shown, ...]:
    """Choose strips: extremes first, then alerts by severity, at most :data:`MAX_STRIPS`.

    Parameters
    ----------
    figures
        Of the recording.
    raised
        Its alerts at the moment they were raised.
    rate_hz, start_sample
        Place of the samples in time.
    """
    found = [*_extremes(figures), *_examples(figures)]
    severity = [*AlertKind]
    shown: Counter[str] = Counter()
    ranked = sorted(raised, key=lambda a: (severity.index(a.kind), a.onset_sample))
    for alert in ranked:
        if alert.priority is Priority.TECHNICAL:
            continue
        shown[alert.kind] += 1
        limit = OF_HIGH_PRIORITY if alert.priority is Priority.HIGH else OF_A_KIND
        if shown[alert.kind] <= limit:
            found.append(of_alert(alert, rate_hz, start_sample))
    return tuple(found[:MAX_STRIPS])


def of_alert(alert: Alert, rate_hz: float, start_sample: int) -> Shown:
    """Give the strip of one alert: where it begins, and what it rests on shaded."""
    onset_s = (alert.onset_sample - start_sample) / rate_hz
    last = max(alert.beats) if alert.beats else alert.sample
    end_s = max((last - start_sample) / rate_hz, onset_s + 0.2)
    return Shown(f"{alert.text}   ({alert.priority})", min((onset_s + end_s) / 2, onset_s + 2.5),
                 (onset_s, end_s))  # fmt: skip


def _extremes(figures: Figures) -> list[Shown]:
    out: list[Shown] = []
    for name, rate in (("Lowest", figures.rates.lowest), ("Highest", figures.rates.highest)):
        if rate is not None:
            length_s = 8 * 60.0 / rate.bpm
            span = (rate.at_s - length_s, rate.at_s)
            out.append(
                Shown(f"{name} heart rate {rate.bpm:.0f} bpm", rate.at_s - length_s / 2, span)
            )
    if (pause := figures.longest_interval) is not None:
        span = (pause.at_s, pause.at_s + pause.length_s)
        out.append(Shown(f"Longest RR interval {pause.length_s:.2f} s", sum(span) / 2, span))
    for name, of in (
        ("ventricular", figures.ventricular),
        ("supraventricular", figures.supraventricular),
    ):
        runs = {"Longest": of.longest, "Fastest": of.fastest}
        if runs["Longest"] == runs["Fastest"]:
            runs = {"Longest and fastest": of.longest}
        for which, run in runs.items():
            if run is not None:
                title = f"{which} {name} run: {run.beats} beats, {run.rate_bpm:.0f} bpm"
                middle = min((run.at_s + run.end_s) / 2, run.at_s + 2.5)
                out.append(Shown(title, middle, (run.at_s, run.end_s)))
    if figures.af:
        longest = max(figures.af, key=lambda span: span[1] - span[0])
        length = longest[1] - longest[0]
        if length >= EPISODE_S:
            title = f"Longest atrial fibrillation: {length:.0f} s"
            out.append(Shown(title, longest[0] + 2.5, longest))
    return out


def _examples(figures: Figures) -> list[Shown]:
    out = []
    for label, name in (("N", "normal"), ("V", "ventricular ectopic"),
                        ("S", "supraventricular ectopic"), ("F", "fusion"),
                        ("Q", "unclassifiable")):  # fmt: skip
        at_s = figures.table.at_s[figures.table.is_label(label)]
        if len(at_s):
            middle = float(at_s[len(at_s) // 2])
            title = (
                f"Example of a {name} beat" if label != "Q" else "Example of an unclassifiable beat"
            )
            out.append(Shown(title, middle, (middle - 0.2, middle + 0.3)))
    return out
