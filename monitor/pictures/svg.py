"""A drawing as SVG, in true size: one user unit is one millimetre. Pure.

Reference: W3C, Scalable Vector Graphics 2, 9.3 (path data).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from monitor.pictures.marks import Box, Dots, Item, Line, Points, Text, strokes

if TYPE_CHECKING:
    from monitor.pictures.drawing import Drawing

STEPS_PER_MM = 50  # path data are whole steps of 20 µm
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"


def svg(drawing: Drawing, scale: float = 1.0) -> str:
    """Give the text of an SVG element.

    Parameters
    ----------
    drawing
        What to draw.
    scale
        Size on paper against true size.
    """
    width, height = drawing.width_mm, drawing.height_mm
    title = f"<title>{escape(drawing.title)}</title>" if drawing.title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width * scale:.4g}mm" '
        f'height="{height * scale:.4g}mm" viewBox="0 0 {width:.4g} {height:.4g}" '
        f'font-family="{FONT}">{title}' + "".join(_item(item) for item in drawing.items) + "</svg>"
    )


def _item(item: Item) -> str:
    match item:
        case Line():
            data = _paths(item.points)
            return (
                f'<path transform="scale({1 / STEPS_PER_MM:g})" fill="none" '
                f'stroke="{item.colour}" stroke-width="{item.width_mm * STEPS_PER_MM:.4g}" '
                f'stroke-linejoin="round" d="{data}"/>'
                if data
                else ""
            )
        case Dots():  # a dot is a line without length and with round ends
            steps = np.rint(item.points * STEPS_PER_MM).astype(np.int64).tolist()
            data = "".join(f"M{x} {y}h0" for x, y in steps)
            return (
                f'<path transform="scale({1 / STEPS_PER_MM:g})" stroke-linecap="round" '
                f'stroke="{item.colour}" stroke-width="{2 * item.radius_mm * STEPS_PER_MM:.4g}" '
                f'd="{data}"/>'
                if data
                else ""
            )
        case Box():
            return (
                f'<rect x="{item.x_mm:.5g}" y="{item.y_mm:.4g}" width="{item.width_mm:.4g}" '
                f'height="{item.height_mm:.4g}" fill="{item.colour}"/>'
            )
        case Text():
            anchor = f' text-anchor="{item.anchor}"' if item.anchor != "start" else ""
            weight = ' font-weight="bold"' if item.bold else ""
            return (
                f'<text x="{item.x_mm:.5g}" y="{item.y_mm:.5g}" font-size="{item.size_mm:.3g}" '
                f'fill="{item.colour}"{anchor}{weight}>{escape(item.text)}</text>'
            )


def _paths(points: Points) -> str:
    """Give path data: a move and then the steps of each stroke."""
    steps = np.rint(np.nan_to_num(points) * STEPS_PER_MM).astype(np.int64)
    places = steps.tolist()
    by = np.diff(steps, axis=0)
    moves = np.asarray(by.any(axis=1), np.bool_)
    out = []
    for first, end in strokes(points):
        part = by[first : end - 1]
        if not moves[first : end - 1].all():
            part = part[moves[first : end - 1]]
        x, y = places[first]
        numbers = " ".join(map(str, part.ravel().tolist()))
        out.append(f"M{x} {y}l{numbers}" if numbers else f"M{x} {y}h0")
    # numbers need a space between them only where the second has no sign
    return "".join(out).replace(" -", "-")
