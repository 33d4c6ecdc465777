"""The pages for print, and the PDF."""

import re
import zlib

import numpy as np
import pytest
from report_parts import alert, analysis_of

from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import Box, Dots, Line, Text
from monitor.pictures.pdf import pdf
from monitor.report.contents import make_report
from monitor.report.document import document
from monitor.report.sheet import BOTTOM_MM, HEIGHT_MM, MARGIN_MM, WIDTH_MM, Sheets

MM = 72 / 25.4


def streams(data):
    """The drawing operators of each page of a PDF."""
    found = re.findall(rb"\nstream\r?\n(.*?)endstream", data, re.DOTALL)
    return [zlib.decompressobj().decompress(part).decode("latin-1") for part in found]


@pytest.fixture(scope="module")
def pages():
    events = [alert("couplet", 10 + i, i) for i in range(5)]
    return document(make_report(analysis_of("NNNNVNNSNN" * 40, events)))


def texts(page):
    return [item.text for item in page.items if isinstance(item, Text)]


def test_all_parts_are_there(pages):
    everything = [text for page in pages for text in texts(page)]
    for part in ("Summary", "Trends", "Hours", "Strips", "Beats by class and shape"):
        assert part in everything
    assert "400" in everything  # all beats
    assert any(text.startswith("Full disclosure") for text in everything)
    assert f"page {len(pages)} of {len(pages)}" in texts(pages[-1])


def test_nothing_leaves_its_page(pages):
    for page in pages:
        assert (page.width_mm, page.height_mm) == (WIDTH_MM, HEIGHT_MM)
        for item in page.items:
            if isinstance(item, Line | Dots):
                x, y = item.points[np.isfinite(item.points).all(axis=1)].T
            elif isinstance(item, Box):
                x = np.array([item.x_mm, item.x_mm + item.width_mm])
                y = np.array([item.y_mm, item.y_mm + item.height_mm])
            else:
                x, y = np.array([item.x_mm]), np.array([item.y_mm])
            if len(x):
                assert x.min() >= MARGIN_MM - 0.1, item
                assert x.max() <= WIDTH_MM - MARGIN_MM + 0.1, item
                assert y.min() >= 0
                assert y.max() <= HEIGHT_MM - 5


def test_what_has_no_room_goes_to_the_next_page():
    sheets = Sheets("title", "foot")
    for _ in range(3):
        sheets.put(Drawing(100, 120, (Box(0, 0, 100, 120, "#000000"),)))
    pages = sheets.pages()
    assert len(pages) == 2
    for page in pages:
        for box in (item for item in page.items if isinstance(item, Box)):
            assert box.y_mm + box.height_mm <= HEIGHT_MM - BOTTOM_MM


def test_a_long_table_goes_on():
    sheets = Sheets("title", "foot")
    rows = [(str(i), "x") for i in range(200)]
    sheets.table(("number", "what"), rows)
    pages = sheets.pages()
    shown = [text for page in pages for text in texts(page) if text.isdigit()]
    assert shown == [str(i) for i in range(200)]
    assert sum("number" in texts(page) for page in pages) == len(pages)


def test_long_text_goes_on_in_the_next_line():
    sheets = Sheets("title", "foot")
    sheets.lines(["word " * 60])
    (page,) = sheets.pages()
    lines = [text for text in texts(page) if text.startswith("word")]
    assert len(lines) > 1
    assert sum(line.count("word") for line in lines) == 60


def test_a_pdf_has_true_size_and_vectors():
    line = Line(np.array([[10, 10], [20.0, 10], [np.nan, 0], [0, 0], [0, 25.4]]), "#ff0000", 0.5)
    pages = [Drawing(100, 50, (line, Text(5, 5, "grüß ² –"))), Drawing(210, 297, ())]
    data = pdf(pages, "a title")
    assert data.startswith(b"%PDF-")
    boxes = re.findall(rb"/MediaBox \[\s*([^\]]*)\]", data)
    sizes = [[float(n) for n in box.split()] for box in boxes]
    assert sizes[0] == pytest.approx([0, 0, 100 * MM, 50 * MM], abs=1e-3)
    assert sizes[1] == pytest.approx([0, 0, 210 * MM, 297 * MM], abs=1e-3)
    first, _ = streams(data)
    a, b = (f"{n * MM:.2f}".rstrip("0").rstrip(".") for n in (10, 20))
    level = f"{40 * MM:.2f}".rstrip("0").rstrip(".")
    assert f"{a} {level} m {b} {level} l" in first
    assert "1 0 0 RG" in first
    assert b"/Subtype /Image" not in data


def test_a_pdf_is_the_same_each_time(pages):
    assert pdf(pages) == pdf(pages)


def test_strips_in_the_pdf_are_at_25_mm_per_second(pages):
    widths = [
        np.nanmax(item.points[:, 0]) - np.nanmin(item.points[:, 0])
        for page in pages
        if any(t.startswith("25 mm/s") for t in texts(page))
        for item in page.items
        if isinstance(item, Line) and len(item.points) == 7 * 250
    ]
    assert widths
    assert widths == pytest.approx([(7 * 250 - 1) / 250 * 25] * len(widths))
