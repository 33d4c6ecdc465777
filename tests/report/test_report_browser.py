"""The page in a real browser: it runs under its policy, and what a reader corrects is saved."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_parts import RECORDED_EVENTS as EVENTS
from report_parts import RECORDED_LABELS as LABELS
from report_parts import analysis_of

from monitor.report.contents import make_report
from monitor.report.edits import apply_edits
from monitor.report.page import page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report():
    return make_report(analysis_of(LABELS, EVENTS))


@pytest.fixture(scope="module")
def text(report):
    return page(report)


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def in_browser(file: Path, folder: Path) -> str:
    """Give the page's document after its script has run."""
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000"),
        *("--enable-logging=stderr", "--v=0", file.resolve().as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr, [x for x in done.stderr.split("\n") if "CONSOLE" in x]
    return done.stdout


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@needs_chromium
def test_a_browser_runs_the_page_under_its_policy(text, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(text)
    assert 'data-ready="true"' in in_browser(file, tmp_path).partition(">")[2][:500]


PLAY = """
setTimeout(() => {
  const { edits, viewer, beats, data, disclosure } = window.report;
  const out = {};
  const press = (key, more = {}) => document.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
  document.dispatchEvent = document.body.dispatchEvent.bind(document.body);
  document.querySelector("figure[data-at]").click();
  out.open = viewer.open;
  out.focus = document.activeElement.id;
  viewer.choose(4);
  press("s");
  out.relabelled = beats[4].label;
  press("ArrowRight");
  press("Delete");
  out.removed = beats[5].removed;
  out.count = edits.count;
  press("z", { ctrlKey: true });
  out.undone = beats[5].removed;
  const group = document.querySelector('[data-group="0"]');
  group.querySelector(".next").click();
  out.output = group.querySelector("output").textContent;
  const choice = group.querySelector("select");
  choice.value = "Q";
  choice.dispatchEvent(new Event("change"));
  out.labels = beats.map((b) => b.label).join("");
  out.bar = document.getElementById("edits-text").textContent;
  out.saved = Array.from(edits.bytes);
  const ink = (id) => {
    const c = document.getElementById(id);
    const pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let dark = 0;
    for (let i = 0; i < pixels.length; i += 4) {
      if (pixels[i] + pixels[i + 1] + pixels[i + 2] < 300) dark++;
    }
    return dark;
  };
  out.ink = [ink("viewer-canvas"), ink("disclosure-canvas")];
  press("Escape");
  out.closed = !viewer.open;
  const box = document.createElement("pre");
  box.id = "out";
  box.textContent = JSON.stringify(out);
  document.body.append(box);
}, 500);
"""


@needs_chromium
def test_a_reader_relabels_and_the_program_reads_it(report, text, tmp_path):
    file = tmp_path / "played.html"
    open_text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    played = open_text.replace("</body>", f"<script>{PLAY}</script></body>")
    assert played != open_text
    file.write_text(played)
    dom = in_browser(file, tmp_path)
    (found,) = re.findall(r'<pre id="out">(.*?)</pre>', dom)
    out = json.loads(found.replace("&amp;", "&"))
    assert (out["open"], out["focus"], out["closed"]) == (True, "viewer-canvas", True)
    assert (out["relabelled"], out["removed"], out["undone"]) == ("S", True, False)
    assert out["count"] == 2
    first = report.groups[0]
    assert first.label == "N"
    assert out["output"] == f"1 of {len(first.members)}"
    expected = [*LABELS]
    expected[4] = "S"
    for i in first.members:
        expected[i] = "Q"
    assert out["labels"] == "".join(expected)
    assert out["bar"].startswith(f"{len(first.members) + 1} beats changed")
    assert min(out["ink"]) > 500
    saved = tmp_path / "made.edt"
    saved.write_bytes(bytes(out["saved"]))
    edited, changed = apply_edits(report.analysis, saved)
    assert changed == len(first.members) + 1
    assert "".join(beat.label.value for beat in edited.beats) == "".join(expected)
