"""A strip on paper: what is drawn lies where 25 mm/s and 10 mm/mV put it."""

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.pictures import Lead, Mark, png, strip, svg
from monitor.pictures.drawing import Drawing
from monitor.pictures.marks import Box, Dots, Line, Text, pieces

RATE_HZ = 250.0


def traces(drawing: Drawing, samples: int) -> list[Line]:
    return [i for i in drawing.items if isinstance(i, Line) and len(i.points) == samples]


def step_signal() -> np.ndarray:
    values = np.zeros(1000, np.float32)
    values[500:520] = 1.0  # 1 mV for 80 ms at 2 s
    return values


def test_a_second_is_25_mm_and_a_millivolt_10_mm():
    drawing = strip([Lead("II", step_signal())], RATE_HZ)
    (trace,) = traces(drawing, 1000)
    x, y = trace.points.T
    assert x[250] - x[0] == pytest.approx(25.0)
    assert y[0] - y[510] == pytest.approx(10.0)  # up is less
    assert drawing.width_mm == pytest.approx(10 + 4 * 25)


def test_the_calibration_pulse_is_1_mv_and_200_ms():
    drawing = strip([Lead("II", step_signal())], RATE_HZ)
    (pulse,) = traces(drawing, 6)
    x, y = pulse.points.T
    assert y.max() - y.min() == pytest.approx(10.0)
    assert x[3] - x[2] == pytest.approx(5.0)


def test_the_paper_has_lines_each_millimetre_and_each_five():
    drawing = strip([Lead("II", step_signal())], RATE_HZ)
    fine, coarse = [i for i in drawing.items if isinstance(i, Line)][:2]
    for lines, step in ((fine, 1.0), (coarse, 5.0)):
        xs = np.unique(lines.points[~np.isnan(lines.points[:, 0]), 0])
        assert np.diff(xs) == pytest.approx(step)


def test_beats_have_their_label_and_interval_above_them():
    marks = [Mark(0.5, "N"), Mark(1.3, "V", 0.8), Mark(99.0, "N", 0.8)]
    drawing = strip([Lead("II", step_signal())], RATE_HZ, marks)
    texts = {i.text: i for i in drawing.items if isinstance(i, Text)}
    assert texts["N"].x_mm == pytest.approx(10 + 0.5 * 25)
    assert texts["V"].x_mm == pytest.approx(10 + 1.3 * 25)
    assert texts["800"].x_mm == pytest.approx(10 + 0.9 * 25)
    assert texts["V"].colour != texts["N"].colour


def test_missing_samples_lift_the_pen():
    values = step_signal()
    values[100:200] = np.nan
    (trace,) = traces(strip([Lead("II", values)], RATE_HZ), 1000)
    assert [len(piece) for piece in pieces(trace.points)] == [100, 800]


def test_a_lead_without_signal_is_an_empty_lane():
    drawing = strip([Lead("II", np.full(500, np.nan, np.float32))], RATE_HZ)
    assert "II" in {i.text for i in drawing.items if isinstance(i, Text)}
    assert svg(drawing)


def test_svg_is_in_true_size_and_is_xml():
    drawing = strip([Lead("a<b & c", step_signal())], RATE_HZ, title='"quoted" & <b>')
    root = ElementTree.fromstring(svg(drawing))
    assert root.get("width") == f"{drawing.width_mm:.4g}mm"
    assert root.get("viewBox") == f"0 0 {drawing.width_mm:.4g} {drawing.height_mm:.4g}"
    assert "a<b & c" in [element.text for element in root]


def test_svg_path_goes_through_the_points():
    points = np.array(
        [[1.0, 2.0], [3.0, 1.0], [3.0, 1.0], [2.5, 4.0], [np.nan] * 2, [0, 0], [1, 1]]
    )
    text = svg(Drawing(10, 10, (Line(points),)))
    (data,) = re.findall(r' d="([^"]+)"', text)
    drawn = []
    for piece in data.split("M")[1:]:
        first, _, rest = piece.partition("l")
        at = np.array([int(n) for n in first.split()])
        drawn.append(at / 50)
        numbers = [int(n) for n in re.findall(r"-?\d+", rest)]
        for by in np.reshape(numbers, (-1, 2)):
            at = at + by
            drawn.append(at / 50)
    assert np.allclose(drawn, [[1, 2], [3, 1], [2.5, 4], [0, 0], [1, 1]])


def test_a_line_that_goes_nowhere_is_a_dot():
    points = np.array([[1.0, 2.0], [1.001, 2.0]])
    (data,) = re.findall(r' d="([^"]+)"', svg(Drawing(10, 10, (Line(points),))))
    assert data == "M50 100h0"


def test_png_has_the_marks_where_they_belong():
    from PIL import Image

    drawing = Drawing(
        20, 10, (Box(0, 0, 20, 10, "#ffffff"), Line(np.array([[0, 5], [20, 5.0]]), "#ff0000", 1.0),
                 Dots(np.array([[10, 2.0]]), "#0000ff", 1.0)),
    )  # fmt: skip
    image = Image.open(io.BytesIO(png(drawing, 254)))
    assert image.size == (200, 100)
    assert image.getpixel((100, 50)) == (255, 0, 0)
    assert image.getpixel((100, 20)) == (0, 0, 255)
    assert image.getpixel((100, 80)) == (255, 255, 255)
    assert image.info["dpi"] == pytest.approx((254, 254), abs=0.1)


def test_png_refuses_a_wild_resolution():
    with pytest.raises(MonitorError, match="dpi 9999"):
        png(Drawing(1, 1, ()), 9999)
