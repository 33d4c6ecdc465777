"""The page in a real browser: it runs under its policy, and what a reader corrects is saved."""

import pytest
from report_parts import RECORDED_EVENTS as EVENTS
from report_parts import RECORDED_LABELS as LABELS
from report_parts import analysis_of

from monitor.report.contents import make_report
from monitor.report.edits import apply_edits
from monitor.report.page import page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

INK = """
    (id) => {
        const canvas = document.getElementById(id);
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let dark = 0;
        for (let i = 0; i < data.length; i += 4) {
            if (data[i] + data[i + 1] + data[i + 2] < 300) dark++;
        }
        return dark;
    }
"""
LABELS_NOW = "() => report.beats.map((beat) => beat.removed ? '-' : beat.label).join('')"


@pytest.fixture(scope="module")
def report():
    return make_report(analysis_of(LABELS, EVENTS))


@pytest.fixture(scope="module")
def file(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "made.html"
    path.write_text(page(report))
    return path


@pytest.fixture
def opened(file, open_page):
    """The page from its file, under its own policy; any error on its console fails the test."""
    shown = open_page(file.as_uri())
    shown.state("ready", "true")
    return shown


def test_signal_is_drawn_where_a_strip_was_clicked(report, opened):
    assert opened.page.evaluate(INK, "disclosure-canvas") > 500
    assert not opened.page.is_visible("#viewer")
    opened.page.click("figure[data-at] >> nth=1")
    assert opened.page.is_visible("#viewer")
    assert opened.page.evaluate(INK, "viewer-canvas") > 500
    start = opened.page.evaluate("() => report.viewer.start")
    seconds = opened.page.evaluate("() => report.viewer.seconds")
    assert start <= report.shown[1].at_s <= start + seconds
    opened.page.keyboard.press("Escape")
    assert not opened.page.is_visible("#viewer")


def test_a_reader_relabels_saves_and_the_program_reads_it(report, opened, tmp_path):
    keys = opened.page.keyboard
    opened.page.locator("figure[data-at]").first.focus()
    keys.press("Enter")
    assert opened.page.evaluate("() => document.activeElement.id") == "viewer-canvas"
    opened.page.evaluate("() => report.viewer.choose(4)")
    keys.press("s")
    keys.press("ArrowRight")
    keys.press("Delete")
    expected = [*LABELS]
    expected[4], expected[5] = "S", "-"
    assert opened.page.evaluate(LABELS_NOW) == "".join(expected)
    keys.press("Control+z")
    expected[5] = LABELS[5]
    assert opened.page.evaluate(LABELS_NOW) == "".join(expected)
    keys.press("Escape")
    first = report.groups[0]
    box = opened.page.locator('[data-group="0"]')
    box.locator(".next").click()
    assert box.locator("output").inner_text() == f"1 of {len(first.members)}"
    box.locator("select").select_option("Q")
    for i in first.members:
        expected[i] = "Q"
    assert opened.page.evaluate(LABELS_NOW) == "".join(expected)
    assert opened.text("#edits-text").startswith(f"{len(first.members) + 1} beats changed")
    with opened.page.expect_download() as waiting:
        opened.page.click("#save")
    assert waiting.value.suggested_filename == "made.edt"
    saved = tmp_path / "made.edt"
    waiting.value.save_as(saved)
    edited, changed = apply_edits(report.analysis, saved)
    assert changed == len(first.members) + 1
    assert "".join(beat.label.value for beat in edited.beats) == "".join(expected)
    assert "saved" in opened.text("#edits-text")


def test_a_click_in_the_viewer_chooses_the_nearest_beat(report, opened):
    opened.page.evaluate("() => report.viewer.show(20)")
    x = opened.page.evaluate(
        "() => (report.beats[26].at - report.viewer.start) * report.viewer.speed * PX_PER_MM"
    )
    opened.page.click("#viewer-canvas", position={"x": x + 8, "y": 60})
    assert opened.page.evaluate("() => report.viewer.chosen") == 26
    opened.page.click("#viewer [data-label=F]")
    assert opened.page.evaluate(LABELS_NOW)[26] == "F"


def test_full_disclosure_opens_the_place_that_was_clicked(opened):
    opened.page.select_option("#disclosure-line", "20")
    width = opened.page.evaluate("() => report.disclosure.canvas.clientWidth")
    middle = 58 + (width - 58) / 2
    opened.page.click("#disclosure-canvas", position={"x": middle, "y": 34 + 10})
    start = opened.page.evaluate("() => report.viewer.start")
    seconds = opened.page.evaluate("() => report.viewer.seconds")
    assert start + seconds / 2 == pytest.approx(30, abs=0.1)  # half of the second line of 20 s


def test_zoom_keeps_the_middle_and_drag_moves(opened):
    opened.page.evaluate("() => report.viewer.show(30)")
    middle = "() => report.viewer.start + report.viewer.seconds / 2"
    opened.page.click("#viewer-closer")
    assert opened.page.evaluate("() => report.viewer.speed") == 50
    assert opened.page.evaluate(middle) == pytest.approx(30, abs=0.01)
    area = opened.page.locator("#viewer-canvas").bounding_box()
    opened.page.mouse.move(area["x"] + 400, area["y"] + 100)
    opened.page.mouse.down()
    opened.page.mouse.move(area["x"] + 300, area["y"] + 100, steps=4)
    opened.page.mouse.up()
    moved = 100 / (50 * 96 / 25.4)
    assert opened.page.evaluate(middle) == pytest.approx(30 + moved, abs=0.02)


def test_axe_finds_nothing_serious(opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    opened.page.evaluate("() => { report.viewer.show(20); report.edits.relabel([3], 'V'); }")
    serious = [
        (v["id"], node["html"][:200], node["failureSummary"][:300])
        for v in axe.run(opened.page).response["violations"]
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]
    assert serious == []
