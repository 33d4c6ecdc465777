"""A drawing as PNG. The package Pillow is imported when the first picture is made."""

from __future__ import annotations

import io

from monitor.errors import USAGE, MonitorError
from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import Box, Dots, Line, Text, pieces

DPI = 150.0
MM_PER_INCH = 25.4
_FINER = 3  # drawn so much larger, then reduced: smooth lines


def png(drawing: Drawing, dpi: float = DPI) -> bytes:
    """Give the content of a PNG file that states its resolution.

    Parameters
    ----------
    drawing
        What to draw.
    dpi
        Pixels in an inch of true size.

    Raises
    ------
    MonitorError
        If Pillow is not installed, or the picture would be too large.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ModuleNotFoundError as error:
        raise MonitorError(
            f"a PNG needs the package {error.name}: pip install "
            "'ecg-monitor[report]', or write SVG",
            USAGE,
        ) from error
    if not 10 <= dpi <= 1200:
        raise MonitorError(f"dpi {dpi:g}: must be 10 to 1200", USAGE)
    per_mm = dpi / MM_PER_INCH * _FINER
    size = (round(drawing.width_mm * per_mm), round(drawing.height_mm * per_mm))
    image = Image.new("RGB", size, "#ffffff")
    pen = ImageDraw.Draw(image)
    for item in drawing.items:
        match item:
            case Line():
                width = max(round(item.width_mm * per_mm), 1)
                for piece in pieces(item.points):
                    pen.line((piece * per_mm).ravel().tolist(), item.colour, width, joint="curve")
            case Dots():
                r = item.radius_mm * per_mm
                for x, y in (item.points * per_mm).tolist():
                    pen.ellipse((x - r, y - r, x + r, y + r), item.colour)
            case Box():
                x, y = item.x_mm * per_mm, item.y_mm * per_mm
                end = (x + item.width_mm * per_mm, y + item.height_mm * per_mm)
                pen.rectangle((x, y, *end), item.colour)
            case Text():
                font = ImageFont.load_default(item.size_mm * per_mm)
                place = {"start": "ls", "middle": "ms", "end": "rs"}[item.anchor]
                at = (item.x_mm * per_mm, item.y_mm * per_mm)
                bold = round(item.size_mm * per_mm / 30) if item.bold else 0
                pen.text(
                    at, item.text, item.colour, font, place,
                    stroke_width=bold, stroke_fill=item.colour,
                )  # fmt: skip
    image = image.reduce(_FINER)
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(dpi, dpi), optimize=True)
    return out.getvalue()
