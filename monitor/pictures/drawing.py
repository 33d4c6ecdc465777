"""A sheet of paper with marks on it. It is data: a writer turns it into SVG, PNG or PDF. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.pictures.marks import Item


@dataclass(frozen=True, slots=True)
class Drawing:
    """A sheet and what is on it, the lowest first. ``title`` tells what it shows, in words."""

    width_mm: float
    height_mm: float
    items: tuple[Item, ...]
    title: str = ""

    def _repr_svg_(self) -> str:
        """Show the drawing in a notebook."""
        from monitor.pictures.svg import svg

        return svg(self)
