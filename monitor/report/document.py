"""The report as pages of A4, for a PDF. Pure."""

from __future__ import annotations

from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import FAINT, Item, Text, moved
from monitor.report import wording
from monitor.report.charts import (
    disclosure,
    ectopic_trend,
    poincare,
    rr_histogram,
    template,
    trend,
)
from monitor.report.contents import Report
from monitor.report.sheet import ROOM_MM, TOP_MM, Sheets, facts

STRIP_S = 7.0  # 10 mm of calibration and 175 mm of signal
LINE_S = 60.0
LINE_MM = 6.3
_HALF_MM = (ROOM_MM - 5) / 2


def document(report: Report) -> list[Drawing]:
    """Give all pages."""
    sheets = Sheets(report.title, wording.NOTICE)
    _summary(sheets, report)
    if not report.analysis.lacking:
        _trends(sheets, report)
        _intervals(sheets, report)
    _templates(sheets, report)
    if report.score is not None or report.reference:
        _reference(sheets, report)
    _strips(sheets, report)
    _full_disclosure(sheets, report)
    return sheets.pages()


def _summary(sheets: Sheets, report: Report) -> None:
    found = report.figures
    sheets.heading("Summary")
    cards = wording.summary_cards(report)
    for first in range(0, len(cards), 2):
        sheets.row([facts(*card, _HALF_MM) for card in cards[first : first + 2]], 5)
    if found.alerts:
        rows = [(kind, str(count)) for kind, count in found.alerts.items()]
        half = (len(rows) + 1) // 2
        pair = [facts("Alerts raised", rows[:half], _HALF_MM)]
        if rows[half:]:
            pair.append(facts("Alerts raised, continued", rows[half:], _HALF_MM))
        sheets.row(pair, 5)
    sheets.lines([wording.rate_note()])


def _trends(sheets: Sheets, report: Report) -> None:
    found = report.figures
    sheets.heading("Trends", 60)
    sheets.put(trend(found, ROOM_MM, 58))
    sheets.lines(["Shaded: atrial fibrillation (orange), signal not usable (grey)."])
    for label in "VS":
        if found.beats[label]:
            sheets.put(ectopic_trend(found, label, ROOM_MM, 34))
    sheets.heading("Hours", 15)
    sheets.table(wording.HOUR_HEADINGS, wording.hour_rows(found))


def _intervals(sheets: Sheets, report: Report) -> None:
    found = report.figures
    sheets.heading("RR intervals and heart-rate variability", 80)
    sheets.row([rr_histogram(found.table, _HALF_MM, _HALF_MM), poincare(found.table, _HALF_MM)], 5)
    rows = wording.variability_rows(found.variability)
    half = min(len(rows), 8)
    pair = [facts("Time domain", rows[:half], _HALF_MM)]
    if rows[half:]:
        pair.append(facts("Frequency domain", rows[half:], _HALF_MM))
    sheets.row(pair, 5)
    sheets.lines([wording.variability_note(found)])


def _templates(sheets: Sheets, report: Report) -> None:
    if not report.groups:
        return
    info = report.analysis.info
    sheets.heading("Beats by class and shape", 45)
    row: list[Drawing] = []
    for group in report.groups:
        drawing = template(group, info.rate_hz, info.leads)
        used = sum(one.width_mm + 4 for one in row)
        if row and used + drawing.width_mm > ROOM_MM:
            sheets.row(row, 4)
            row = []
        row.append(drawing)
    sheets.row(row, 4)


def _reference(sheets: Sheets, report: Report) -> None:
    sheets.heading("Comparison with the reference", 40)
    rows = wording.score_rows(report)
    if rows:
        pair = [facts("Beats", rows, _HALF_MM)]
        if episodes := wording.episode_rows(report):
            pair.append(facts("Runs and rhythms", episodes, _HALF_MM))
        sheets.row(pair, 5)
    sheets.lines([report.reference])


def _strips(sheets: Sheets, report: Report) -> None:
    if not report.shown:
        return
    sheets.new_page()
    sheets.heading("Strips", 60)
    for shown in report.shown:
        sheets.put(report.strip(shown, STRIP_S), 5)


def _full_disclosure(sheets: Sheets, report: Report) -> None:
    analysis = report.analysis
    rate_hz = analysis.info.rate_hz
    lead = analysis.values_mv[:, 0]
    table = report.figures.table
    odd = table.labels != "N"
    at_s, labels = table.at_s[odd], table.labels[odd]
    room = ROOM_MM - 13
    per_page = int((297 - TOP_MM - 15 - 12) // LINE_MM)
    count = -(-len(lead) // round(LINE_S * rate_hz))
    for first in range(0, count, per_page):
        sheets.new_page()
        sheets.heading(f"Full disclosure, lead {analysis.info.leads[0]}, a minute a line")
        items: list[Item] = []
        lines = range(first, min(first + per_page, count))
        for number in lines:
            begins_s = number * LINE_S
            y = (number - first) * LINE_MM
            items.append(Text(0, y + LINE_MM * 0.6, wording.time_text(begins_s), 2.2, FAINT))
            part = lead[round(begins_s * rate_hz) : round((begins_s + LINE_S) * rate_hz)]
            low, high = at_s.searchsorted((begins_s, begins_s + LINE_S))
            marks = [
                (float(at_s[i]) - begins_s, str(labels[i])) for i in range(int(low), int(high))
            ]
            drawn = disclosure(part, rate_hz, marks, room, LINE_MM, LINE_S)
            items += moved(drawn, 13, y)
        sheets.put(Drawing(ROOM_MM, len(lines) * LINE_MM, tuple(items)))
