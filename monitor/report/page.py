"""The report as one HTML page that needs nothing else: no server, no other file, no network.

Its policy lets the browser run the page's own script and nothing more.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from monitor.messages import Alert, Priority
from monitor.pictures.drawing import Drawing
from monitor.pictures.svg import svg
from monitor.report import wording
from monitor.report.charts import ectopic_trend, poincare, rr_histogram, template, trend
from monitor.report.chosen import of_alert
from monitor.report.contents import Report
from monitor.report.page_data import page_data

WEB = Path(__file__).parent / "web"
SCRIPTS = ("signal", "annotations", "paper", "viewer", "disclosure", "edits", "main")
STRIP_S = 10.0
WIDE_MM = 220.0
MAX_ALERTS = 3000
SECTIONS = (
    ("summary", "Summary"),
    ("trends", "Trends"),
    ("hours", "Hours"),
    ("intervals", "RR and variability"),
    ("shapes", "Beats"),
    ("alerts", "Alerts"),
    ("strips", "Strips"),
    ("full", "Full disclosure"),
    ("reference", "Reference"),
)


def page(report: Report) -> str:
    """Give the whole page."""
    found, beats = report.figures, not report.analysis.lacking
    bodies = {
        "summary": _summary(report),
        "trends": _trends(report) if beats else "",
        "hours": _table(wording.HOUR_HEADINGS, wording.hour_rows(found)) if beats else "",
        "intervals": _intervals(report) if beats else "",
        "shapes": _shapes(report) if beats else "",
        "alerts": _alerts(report),
        "strips": _strips(report),
        "full": _file("disclosure.html"),
        "reference": _reference(report),
    }
    names = [(key, name) for key, name in SECTIONS if bodies[key]]
    links = "".join(f'<a href="#{key}">{name}</a>' for key, name in names)
    sections = "".join(
        f'<section id="{key}"><h2>{name}</h2>{bodies[key]}</section>' for key, name in names
    )
    style, script = _file("page.css"), _script()
    data = json.dumps(page_data(report), separators=(",", ":"), allow_nan=False)
    lines = " · ".join(escape(value) for _, value in wording.recording_rows(report)[:3])
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(report.title)}</title><link rel="icon" href="data:,">'
        f"<style>{style}</style></head><body>"
        f"<header><h1>{escape(report.title)}</h1><p>{lines}</p></header>"
        f'<nav aria-label="Parts of the report">{links}{_file("edits.html")}</nav>'
        '<p id="trouble" role="alert" hidden></p>'
        "<noscript><p>Without JavaScript the viewer and full disclosure stay empty.</p></noscript>"
        f"<main>{sections}</main>{_file('viewer.html')}"
        f"<footer>{wording.NOTICE} Made by ecg-monitor.</footer>"
        f'<script type="application/json" id="data">{data.replace("<", chr(92) + "u003c")}</script>'
        f"<script>{script}</script></body></html>\n"
    )


@functools.cache
def _file(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


@functools.cache
def _script() -> str:
    return '"use strict";\n' + "\n".join(_file(f"{name}.js") for name in SCRIPTS)


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest(style)}'; "
        f"script-src 'sha256-{digest(script)}'; base-uri 'none'; form-action 'none'"
    )


def _facts(title: str, rows: Sequence[wording.Row]) -> str:
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return f'<div class="card"><h3>{escape(title)}</h3><dl>{cells}</dl></div>'


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>{body}</table></div>'


def _chart(drawing: Drawing) -> str:
    return f'<div class="chart">{svg(drawing)}</div>'


def _summary(report: Report) -> str:
    found = report.figures
    alerts = [(kind, str(count)) for kind, count in found.alerts.items()] or [("none", "")]
    cards = [*wording.summary_cards(report), ("Alerts raised", alerts)]
    body = "".join(_facts(title, rows) for title, rows in cards)
    return f'<div class="cards">{body}</div><p class="note">{wording.rate_note()}</p>'


def _trends(report: Report) -> str:
    found = report.figures
    charts = [trend(found, WIDE_MM, 58)]
    charts += [ectopic_trend(found, label, WIDE_MM, 34) for label in "VS" if found.beats[label]]
    note = "Shaded: atrial fibrillation (orange), signal not usable (grey)."
    return "".join(map(_chart, charts)) + f'<p class="note">{note}</p>'


def _intervals(report: Report) -> str:
    found = report.figures
    charts = _chart(rr_histogram(found.table, 110, 100)) + _chart(poincare(found.table, 100))
    rows = wording.variability_rows(found.variability)
    cards = _facts("Time domain", rows[:8])
    if rows[8:]:
        cards += _facts("Frequency domain", rows[8:])
    note = escape(wording.variability_note(found))
    return (
        f'<div class="pair">{charts}</div><div class="cards">{cards}</div>'
        f'<p class="note">{note}</p>'
    )


def _shapes(report: Report) -> str:
    info = report.analysis.info
    options = "".join(
        f'<option value="{label}">{label}  {name}</option>'
        for label, name in wording.CLASS_NAMES.items()
    )
    options += '<option value="">removed</option><option value="mixed" disabled>mixed</option>'
    boxes = []
    for number, group in enumerate(report.groups):
        chosen = options.replace(f'"{group.label}">', f'"{group.label}" selected>', 1)
        boxes.append(
            f'<div class="group" data-group="{number}">'
            f"{svg(template(group, info.rate_hz, info.leads))}<div>"
            f'<button class="back" aria-label="previous beat of {group.name}">‹</button>'
            f'<button class="next" aria-label="next beat of {group.name}">›</button>'
            "<output></output></div>"
            f"<div><label>label <select>{chosen}</select></label></div></div>"
        )
    return (
        f'<div class="groups">{"".join(boxes)}</div>'
        '<p class="note">Mean of the beats of each class '
        "that look alike, 25 mm/s and 10 mm/mV. A label chosen here holds for all beats of the "
        "group.</p>"
    )


def _alerts(report: Report) -> str:
    rows = [_alert(report, alert) for alert in report.analysis.raised[:MAX_ALERTS]]
    if not rows:
        return '<p class="note">None.</p>'
    head = "".join(
        f'<th scope="col" class="left">{n}</th>' for n in ("time", "kind", "priority", "text")
    )
    left = len(report.analysis.raised) - MAX_ALERTS
    note = f'<p class="note">{left} more are not listed.</p>' if left > 0 else ""
    table = f"<table><thead><tr>{head}</tr></thead>{''.join(rows)}</table>"
    return f'<div class="list">{table}</div>{note}'


def _alert(report: Report, alert: Alert) -> str:
    info = report.analysis.info
    shown = of_alert(alert, info.rate_hz, info.start_sample)
    assert shown.span_s is not None
    jump = "" if alert.priority is Priority.TECHNICAL else _jump(shown.at_s, shown.span_s)
    cells = (wording.time_text(shown.span_s[0]), alert.kind, alert.priority, alert.text)
    body = "".join(f'<td class="left">{escape(cell)}</td>' for cell in cells)
    return f'<tr class="{alert.priority}"{jump}>{body}</tr>'


def _strips(report: Report) -> str:
    figures = []
    for shown in report.shown:
        picture = svg(report.strip(shown, STRIP_S))
        name = escape(f"{shown.title}, show in the viewer")
        figures.append(
            f'<figure{_jump(shown.at_s, shown.span_s)} role="button" aria-label="{name}">'
            f"{picture}</figure>"
        )
    return f'<div class="strips">{"".join(figures)}</div>'


def _jump(at_s: float, span_s: tuple[float, float] | None) -> str:
    span = f' data-span="{span_s[0]:.3f} {span_s[1]:.3f}"' if span_s else ""
    return f' data-at="{at_s:.3f}"{span}'


def _reference(report: Report) -> str:
    if not report.reference:
        return ""
    rows = wording.score_rows(report)
    episodes = wording.episode_rows(report)
    cards = _facts("Beats", rows) if rows else ""
    cards += _facts("Runs and rhythms", episodes) if episodes else ""
    return f'<div class="cards">{cards}</div><p class="note">{escape(report.reference)}</p>'
