"""The figures of a report in words: rows of (name, value), for page and document alike. Pure."""

from __future__ import annotations

from monitor.report.contents import Report
from monitor.report.ectopy import Ectopy
from monitor.report.figures import Figures
from monitor.report.rates import PAUSE_S, RATE_BEATS, Rate
from monitor.report.spans import EPISODE_S
from monitor.report.variability import Variability
from monitor.score.figures import ratios

Row = tuple[str, str]

NOTICE = "Not a medical device: for research, teaching and development only."
CLASS_NAMES = {
    "N": "normal",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion",
    "Q": "unclassifiable or paced",
}
HOUR_HEADINGS = (
    *("from", "analysed", "beats", "HR min", "mean", "max"),
    *("V", "V runs", "S", "S runs", "pauses", "AF"),
)
SCORE_NAMES = {
    "q_se": "QRS sensitivity",
    "q_pp": "QRS positive predictivity",
    "v_se": "V sensitivity",
    "v_pp": "V positive predictivity",
    "s_se": "S sensitivity",
    "s_pp": "S positive predictivity",
    "f_se": "F sensitivity",
    "f_pp": "F positive predictivity",
}


def time_text(seconds: float) -> str:
    """Give a time or a length as h:mm:ss.

    >>> time_text(3725.6)
    '1:02:05'
    """
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def number(value: float | None, form: str = ".0f", unit: str = "") -> str:
    """Give a number with its unit; a dash for what is not known.

    >>> number(None, ".1f", " ms"), number(12.34, ".1f", " ms")
    ('–', '12.3 ms')
    """
    return "–" if value is None else f"{value:{form}}{unit}"


def recording_rows(report: Report) -> list[Row]:
    """Say what was recorded."""
    analysis, found = report.analysis, report.figures
    info = analysis.info
    begun = [] if analysis.begun is None else [("begun", f"{analysis.begun:%Y-%m-%d %H:%M:%S %Z}")]
    share = 100 * found.analysed_s / found.duration_s if found.duration_s else 0.0
    rows = [
        ("recording", info.source or analysis.name),
        *begun,
        ("leads", f"{', '.join(info.leads)} at {info.rate_hz:g} Hz"),
        ("length", time_text(found.duration_s)),
        ("analysed", f"{time_text(found.analysed_s)} ({share:.1f} %)"),
    ]
    if analysis.lacking:
        rows.append(("holds", analysis.lacking))
    if analysis.summary is not None:
        rows.append(("analysis", f"{analysis.summary.detector}, {analysis.summary.model}"))
    if report.edited is not None:
        rows.append(("edited", f"a reader changed {report.edited} beats"))
    return rows


def rate_rows(found: Figures) -> list[Row]:
    """Give heart rate and pauses."""
    longest = found.longest_interval
    return [
        ("heart rate, lowest", _rate(found.rates.lowest)),
        ("heart rate, mean", number(found.rates.mean_bpm, ".0f", " bpm")),
        ("heart rate, highest", _rate(found.rates.highest)),
        (f"pauses over {PAUSE_S:g} s", str(len(found.pauses))),
        (
            "longest RR interval",
            "–" if longest is None else f"{longest.length_s:.2f} s at {time_text(longest.at_s)}",
        ),
    ]


def beat_rows(found: Figures) -> list[Row]:
    """Give the number of beats of each class."""
    rows = [("all beats", str(len(found.table)))]
    for label, count in found.beats.items():
        share = f" ({100 * count / len(found.table):.2f} %)" if len(found.table) else ""
        rows.append((f"{label}  {CLASS_NAMES[label]}", f"{count}{share}"))
    return rows


def ectopy_rows(of: Ectopy) -> list[Row]:
    """Give singles, couplets, runs, bigeminy and trigeminy of one class."""
    rows = [
        ("burden", number(of.burden_percent, ".2f", " %")),
        ("single", str(of.singles)),
        ("couplets", str(of.couplets)),
        ("runs of 3 and more", f"{len(of.runs)} ({of.run_beats} beats)"),
    ]
    if of.longest is not None and of.fastest is not None:
        rows.append(("longest run", f"{of.longest.beats} beats at {time_text(of.longest.at_s)}"))
        fastest = f"{of.fastest.rate_bpm:.0f} bpm at {time_text(of.fastest.at_s)}"
        rows.append(("fastest run", fastest))
    rows.append(("bigeminy", f"{of.bigeminy_episodes} ({of.bigeminy_beats} beats)"))
    rows.append(("trigeminy", f"{of.trigeminy_episodes} ({of.trigeminy_beats} beats)"))
    return rows


def rhythm_rows(found: Figures) -> list[Row]:
    """Give the time in atrial fibrillation and in every other rhythm."""
    lengths = [last - first for first, last in found.af if last - first >= EPISODE_S]
    episodes = f"{len(lengths)}, the longest {time_text(max(lengths))}" if lengths else "none"
    rows = [
        ("AF, time", f"{time_text(found.af_s)} ({number(found.af_percent, '.1f', ' %')})"),
        (f"AF, episodes of {EPISODE_S:g} s and more", episodes),
    ]
    return rows + [
        (f"rhythm {name}", time_text(seconds))
        for name, seconds in found.rhythms.items()
        if seconds >= 1
    ]


def variability_rows(found: Variability | None) -> list[Row]:
    """Give time and frequency domain."""
    if found is None:
        return [("N-N intervals", "too few")]
    return [
        ("N-N intervals", str(found.intervals)),
        ("mean N-N", number(found.mean_nn_ms, ".0f", " ms")),
        ("SDNN", number(found.sdnn_ms, ".1f", " ms")),
        ("SDANN (5 min)", number(found.sdann_ms, ".1f", " ms")),
        ("SDNN index (5 min)", number(found.sdnn_index_ms, ".1f", " ms")),
        ("RMSSD", number(found.rmssd_ms, ".1f", " ms")),
        ("pNN50", number(found.pnn50_percent, ".1f", " %")),
        ("triangular index", number(found.triangular_index, ".1f")),
        ("5-minute windows", str(found.windows)),
        ("VLF (0.0033 to 0.04 Hz)", number(found.vlf_ms2, ".0f", " ms²")),
        ("LF (0.04 to 0.15 Hz)", number(found.lf_ms2, ".0f", " ms²")),
        ("HF (0.15 to 0.4 Hz)", number(found.hf_ms2, ".0f", " ms²")),
        ("LF/HF", number(found.lf_hf, ".2f")),
    ]


def hour_rows(found: Figures) -> list[tuple[str, ...]]:
    """Give the rows of the hourly table, under :data:`HOUR_HEADINGS`."""
    return [
        (
            time_text(hour.start_s),
            time_text(hour.analysed_s),
            str(hour.beats),
            number(hour.rates.lowest.bpm if hour.rates.lowest else None),
            number(hour.rates.mean_bpm),
            number(hour.rates.highest.bpm if hour.rates.highest else None),
            *(str(n) for n in (hour.v_beats, hour.v_runs, hour.s_beats, hour.s_runs, hour.pauses)),
            time_text(hour.af_s),
        )
        for hour in found.hours
    ]


def score_rows(report: Report) -> list[Row]:
    """Give the figures of ``ecg-monitor score``; empty without a reference."""
    if report.score is None:
        return []
    parts = ratios(report.score.matrix)
    values = report.score.figures
    rows = [
        (name, f"{number(getattr(values, key), '.2f', ' %')} ({parts[key][0]}/{parts[key][1]})")
        for key, name in SCORE_NAMES.items()
    ]
    rows.append(("RMS RR interval error", number(report.score.rr_error_ms, ".2f", " ms")))
    if (rate := report.score.heart_rate) is not None:
        rows.append(("RMS heart rate error", f"{rate.rms_bpm:.2f} bpm"))
    return rows


def episode_rows(report: Report) -> list[Row]:
    """Give runs and rhythm episodes as ``ecg-monitor score`` has them: (found, missed, false)."""
    if report.score is None:
        return []
    rows = []
    for run in report.score.runs:
        for length, beats in (("couplet", "couplets"), ("short", "runs of 3 to 5"),
                              ("long", "runs of 6 and more")):  # fmt: skip
            found, missed, _, false = run.counts(length)
            if found or missed or false:
                name = f"{run.kind} {beats}"
                rows.append((name, f"{found} found, {missed} missed, {false} false"))
    for episode in report.score.episodes:
        if episode.ref_duration_s or episode.test_duration_s:
            figures = episode.figures()
            se, pp = (number(figures[f"duration_{k}"], ".1f", " %") for k in ("se", "pp"))
            rows.append((f"{episode.kind}, time found and confirmed", f"{se}, {pp}"))
    return rows


def summary_cards(report: Report) -> list[tuple[str, list[Row]]]:
    """Give the boxes of the summary: title and rows. Without beats there is but one."""
    found = report.figures
    recording = ("Recording", recording_rows(report))
    if report.analysis.lacking:
        return [recording]
    return [
        recording,
        ("Heart rate", rate_rows(found)),
        ("Beats", beat_rows(found)),
        ("Rhythm", rhythm_rows(found)),
        ("Ventricular ectopy", ectopy_rows(found.ventricular)),
        ("Supraventricular ectopy", ectopy_rows(found.supraventricular)),
    ]


def variability_note(found: Figures) -> str:
    """Say what the variability rests on."""
    text = (
        "Heart-rate variability by NeuroKit2, on intervals between two normal beats of 0.3 to 2 s; "
        "frequency domain: mean of windows of 5 minutes."
    )
    if found.af_s > 0:
        text += " It means little in atrial fibrillation, which is part of this recording."
    return text


def rate_note() -> str:
    """Say what the lowest and highest heart rate are."""
    return f"Lowest and highest heart rate: over {RATE_BEATS} RR intervals in a row."


def _rate(rate: Rate | None) -> str:
    return "–" if rate is None else f"{rate.bpm:.0f} bpm at {time_text(rate.at_s)}"
