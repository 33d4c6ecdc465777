"""Drawings as the pages of a PDF, all lines as vectors, in true size.

The package ReportLab is imported when the first document is made.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from monitor.errors import USAGE, MonitorError
from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import Box, Dots, Item, Line, Points, Text, strokes

POINTS_PER_MM = 72.0 / 25.4
_STEPS = 100.0  # coordinates are whole hundredths of a point
_BOLD, _PLAIN = "Helvetica-Bold", "Helvetica"


def need_reportlab() -> None:
    """Refuse to go on without ReportLab.

    Raises
    ------
    MonitorError
        If ReportLab is not installed.
    """
    try:
        import reportlab.pdfgen.canvas  # noqa: F401
    except ModuleNotFoundError as error:
        raise MonitorError(
            "a PDF needs the package reportlab: pip install 'ecg-monitor[report]', or make the "
            "page only (--no-pdf)",
            USAGE,
        ) from error


def pdf(pages: Sequence[Drawing], title: str = "") -> bytes:
    """Give the content of a PDF file with one drawing a page.

    Parameters
    ----------
    pages
        At least one.
    title
        Title of the document.

    Raises
    ------
    MonitorError
        If ReportLab is not installed.
    """
    need_reportlab()
    from reportlab import rl_config
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1, invariant=1)
    canvas.setTitle(title)
    canvas.setCreator("ecg-monitor")
    for page in pages:
        width, height = page.width_mm * POINTS_PER_MM, page.height_mm * POINTS_PER_MM
        canvas.setPageSize((width, height))
        canvas.setLineJoin(1)
        for item in page.items:
            _draw(canvas, item, height)
        canvas.showPage()
    before, rl_config.useA85 = rl_config.useA85, 0  # no need for text, which takes long to make
    try:
        canvas.save()
    finally:
        rl_config.useA85 = before
    return out.getvalue()


def _draw(canvas: Any, item: Item, height: float) -> None:
    from reportlab.lib.colors import HexColor

    colour = HexColor(item.colour)
    match item:
        case Line():
            _stroke(canvas, _paths(item.points, height), colour, item.width_mm, cap=0)
        case Dots():  # a dot is a line without length and with round ends
            places = np.rint(_turned(item.points, height) * _STEPS) / _STEPS
            code = [f"{x:g} {y:g} m {x:g} {y:g} l" for x, y in places.tolist()]
            _stroke(canvas, code, colour, 2 * item.radius_mm, cap=1)
        case Box():
            canvas.setFillColor(colour)
            k = POINTS_PER_MM
            canvas.rect(
                item.x_mm * k,
                height - (item.y_mm + item.height_mm) * k,
                item.width_mm * k,
                item.height_mm * k,
                stroke=0,
                fill=1,
            )
        case Text():
            canvas.setFillColor(colour)
            canvas.setFont(_BOLD if item.bold else _PLAIN, item.size_mm * POINTS_PER_MM)
            draw = {
                "start": canvas.drawString,
                "middle": canvas.drawCentredString,
                "end": canvas.drawRightString,
            }[item.anchor]
            draw(item.x_mm * POINTS_PER_MM, height - item.y_mm * POINTS_PER_MM, item.text)


def _stroke(canvas: Any, code: list[str], colour: Any, width_mm: float, cap: int) -> None:
    from reportlab.pdfgen.pathobject import PDFPathObject

    if code:
        canvas.setStrokeColor(colour)
        canvas.setLineWidth(width_mm * POINTS_PER_MM)
        canvas.setLineCap(cap)
        canvas.drawPath(PDFPathObject(code), stroke=1, fill=0)


def _turned(points: Points, height: float) -> Points:
    """Give places in points from the lower left corner."""
    turned: Points = np.stack(
        [points[:, 0] * POINTS_PER_MM, height - points[:, 1] * POINTS_PER_MM], axis=1
    )
    return turned


def _paths(points: Points, height: float) -> list[str]:
    """Give the operators of each stroke."""
    turned = np.rint(_turned(np.nan_to_num(points), height) * _STEPS) / _STEPS
    places = [f"{x:g} {y:g}" for x, y in turned.tolist()]
    return [
        f"{places[first]} m {' l '.join(places[first + 1 : end])} l"
        for first, end in strokes(points)
    ]
