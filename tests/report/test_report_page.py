"""The page: whole in one file, its data right, and its script does what the program does."""

import base64
import json
import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from report_parts import INFO, RATE_HZ, analysis_of
from report_parts import RECORDED_EVENTS as EVENTS
from report_parts import RECORDED_LABELS as LABELS

from monitor.report.contents import make_report
from monitor.report.page import WEB, page
from monitor.report.page_data import page_data
from monitor.report.signal_data import signal_data
from monitor.report.write import annotate

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node.js")


@pytest.fixture(scope="module")
def report():
    return make_report(analysis_of(LABELS, EVENTS))


@pytest.fixture(scope="module")
def text(report):
    return page(report)


def decoded(stored):
    """What the page's script does, in Python."""
    n = stored["samples"]
    leads = []
    for data in stored["data"]:
        planes = np.frombuffer(zlib.decompress(base64.b64decode(data)), np.uint8).reshape(2, n)
        by = planes[0] | planes[1].astype(np.uint16) << 8
        leads.append(np.cumsum(by, dtype=np.uint16).astype(np.int16) * stored["step_mv"])
    return np.stack(leads, axis=1)


def test_the_signal_comes_back_within_half_a_step():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 2, (5000, 2)).astype(np.float32)
    values[1000:1100] = np.nan
    stored = signal_data(values, RATE_HZ, ("II", "V1"))
    found = decoded(stored)
    known = np.isfinite(values[:, 0])
    assert np.abs(found[known] - values[known]).max() <= stored["step_mv"] / 2 + 1e-6
    assert np.array_equal(found[1050], found[999])
    assert stored["holes"] == [[1000, 1100]]
    assert stored["rate_hz"] == RATE_HZ


def test_a_wild_value_is_held_at_the_edge():
    values = np.array([[0.0], [1e6], [-1e6], [np.inf], [1.0]], np.float32)
    found = decoded(signal_data(values, RATE_HZ, ("II",)))
    assert found[:, 0] == pytest.approx([0, 163.835, -163.84, -163.84, 1.0], abs=0.003)


def test_a_long_signal_is_thinned(monkeypatch):
    monkeypatch.setattr("monitor.report.signal_data.MAX_SAMPLES", 1000)
    values = np.repeat(np.arange(1000, dtype=np.float32) / 100, 3)[:, None]
    stored = signal_data(values, 360.0, ("II",))
    assert stored["rate_hz"] == 120.0
    assert np.allclose(decoded(stored)[:, 0], np.arange(1000) / 100, atol=0.006)


def test_only_so_many_leads_are_carried():
    stored = signal_data(np.zeros((10, 12), np.float32), RATE_HZ, tuple("abcdefghijkl"))
    assert stored["leads"] == ["a", "b", "c"]
    assert len(stored["data"]) == 3


class Outside(HTMLParser):
    """Collects what a page would fetch, and its scripts."""

    def __init__(self):
        super().__init__()
        self.references, self.policies, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            if name in attrs and not attrs[name].startswith("#"):
                self.references.append(attrs[name])
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policies.append(attrs["content"])
        self.ids += [attrs["id"]] if "id" in attrs else []


def test_the_page_needs_nothing_else(text):
    parser = Outside()
    parser.feed(text)
    assert parser.references == ["data:,"]
    assert len(parser.ids) == len(set(parser.ids))
    (policy,) = parser.policies
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<)]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_a_text_from_outside_stays_text(text):
    assert "<script>alert" not in text
    assert text.count("<script") == 2
    assert "VT &lt;/script&gt;" in text


def test_the_page_has_the_figures(report, text):
    assert f"<dt>all beats</dt><dd>{len(LABELS)}</dd>" in text
    v = LABELS.count("V")
    assert f"<dd>{v} ({100 * v / len(LABELS):.2f} %)</dd>" in text
    assert text.count("<figure data-at") == len(report.shown)
    assert text.count('class="group"') == len(report.groups)
    for name in ("Summary", "Trends", "Hours", "Full disclosure", "Alerts", "Strips"):
        assert f"<h2>{name}</h2>" in text


def test_no_beats_are_a_page_too():
    from monitor.report.document import document

    empty = replace(analysis_of("N"), events=())
    report = make_report(empty)
    assert "<dt>all beats</dt><dd>0</dd>" in page(report)
    assert document(report)


def node(script, given):
    """Run the page's own functions; ``script`` prints JSON."""
    names = ("annotations", "signal")
    code = "\n".join((WEB / f"{name}.js").read_text() for name in names)
    code += "\nconst given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n" + script
    done = subprocess.run(
        [NODE, "-e", code], input=json.dumps(given), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SAVED = (
    "console.log(JSON.stringify([...encodeAnnotations(allRows(given, readBeats(given)), "
    "given.rate_text)]))"
)


@needs_node
@pytest.mark.parametrize("start", [0, 1_000_000, 3_000_000_000])
@pytest.mark.parametrize("rate_hz", [250.0, 257.5, 360.0])
def test_the_page_saves_what_the_program_writes(start, rate_hz):
    info = replace(INFO, start_sample=start, rate_hz=rate_hz)
    analysis = analysis_of(LABELS, EVENTS)
    events = tuple(replace(e, sample=e.sample + start) for e in analysis.events)
    events = tuple(replace(e, lead=e.sample % 2) if hasattr(e, "lead") else e for e in events)
    analysis = replace(analysis, info=info, events=events)
    data = page_data(make_report(analysis))
    data["signal"] = None
    assert bytes(node(SAVED, data)) == annotate(analysis).encoded(analysis.end_sample)


@needs_node
def test_the_page_saves_a_recording_without_beats():
    analysis = replace(analysis_of("N"), events=())
    data = page_data(make_report(analysis))
    assert bytes(node(SAVED, data)) == annotate(analysis).encoded(analysis.end_sample)


@needs_node
def test_the_script_reads_the_signal(report):
    data = page_data(report)
    script = (
        "readSignal(given.signal).then((s) => console.log(JSON.stringify("
        "{rate: s.rateHz, leads: s.leads.map((l) => Array.from(l, (v) => v * s.stepMv))})))"
    )
    found = node(script, data)
    assert found["rate"] == RATE_HZ
    assert np.abs(np.array(found["leads"]).T - report.analysis.values_mv).max() < 0.0026
