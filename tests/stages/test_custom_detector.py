"""A detector of the user's own: what keeps the contract passes, what breaks it is named."""

import doctest
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.config import DetectSettings
from monitor.errors import MonitorError
from monitor.messages import LeadState, Quality, RPeak, Samples, StreamInfo
from monitor.sources.simulator import Simulator
from monitor.stages import Detector
from monitor.stages.detect import make_detector

HOP = 50
INFO = StreamInfo("bed-1", 250.0, ("II", "V1"), start_sample=1000)

GOOD = """
import numpy as np
from monitor.messages import RPeak


class EveryHop:
    def __init__(self, info, settings):
        self.info = info

    def push(self, block, quality):
        return [self.peak(np.int64(block.start_sample + 10), block.end_sample - 1)]

    def peak(self, sample, decided):
        return RPeak(self.info.stream, sample, decided)

    def flush(self):
        return []
"""


@pytest.fixture
def detect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[RPeak]]:
    """Write a class, then run it over four hops."""

    def run(body: str) -> list[RPeak]:
        name = f"mine_{tmp_path.name}"
        (tmp_path / f"{name}.py").write_text(f"{GOOD}\n\nclass Mine(EveryHop):\n    {body}\n")
        monkeypatch.syspath_prepend(tmp_path)
        detector = make_detector(INFO, DetectSettings(detector=f"{name}:Mine"))
        found: list[RPeak] = []
        for at in range(1000, 1000 + 4 * HOP, HOP):
            values = np.zeros((HOP, 2), np.float32)
            values[:, 1] = np.nan
            if at == 1000 + 3 * HOP:
                values[20:] = np.nan  # the end of the stream
            block = Samples("bed-1", at, values)
            quality = Quality("bed-1", at, at + HOP, (LeadState.OK,) * 2, usable=True)
            found += detector.push(block, quality)
        return found + detector.flush()

    return run


def test_a_detector_that_keeps_the_contract_passes(detect: Callable[[str], list[RPeak]]) -> None:
    first = RPeak("bed-1", 1010, 1049)
    want = [replace(first, sample=1010 + k, decided_sample=1049 + k) for k in (0, 50, 100, 150)]
    found = detect("pass")
    assert found == want
    assert {type(peak.sample) for peak in found} == {int}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("push = None", "'NoneType' object is not callable"),
        ("def push(self, block, quality): 1 / 0", r"ZeroDivisionError.*line 21 of .*mine_.*\.py"),
        ("def push(self, block, quality): pass", "NoneType in place of a list"),
        ("def push(self, block, quality): return [7]", "int in place of RPeak"),
        ("def peak(self, s, d): return RPeak('bed-1', float(s), d)", "1010.0 .* must be whole"),
        ("def peak(self, s, d): return RPeak('bed-1', s - 11, d)", "before the stream, 1000"),
        ("def peak(self, s, d): return RPeak('bed-1', s, d + 1)", "decided_sample 1050"),
        ("def peak(self, s, d): return RPeak('bed-1', d + 9, d)", "decided_sample 1049"),
        ("def peak(self, s, d): return RPeak('bed-1', s + 10, d)", "1170 lies behind .* 1169"),
        ("def peak(self, s, d): return RPeak('bed-2', s, d)", "stream 'bed-2'"),
        ("def peak(self, s, d): return RPeak('bed-1', s, d, 2)", "lead 2"),
        ("def flush(self): return [self.peak(1160, 1199)]", "came after the one at 1160"),
        ("def __init__(self): pass", "TypeError"),
        (r"def flush(self): raise OSError('no\n\n    file')", r"failed: OSError: no file \(line"),
    ],
)
def test_a_breach_of_the_contract_is_named(
    detect: Callable[[str], list[RPeak]], body: str, reason: str
) -> None:
    with pytest.raises(MonitorError, match=f"^stream bed-1: detector 'mine_.*:Mine' .*{reason}"):
        detect(body)


def test_a_class_that_is_no_detector_says_what_it_has_not() -> None:
    with pytest.raises(MonitorError, match="no push, flush"):
        make_detector(INFO, DetectSettings(detector="operator:is_"))


def test_a_module_that_is_not_found_says_where_it_is_looked_for() -> None:
    with pytest.raises(MonitorError, match="PYTHONPATH"):
        make_detector(INFO, DetectSettings(detector="no_such_module:Detector"))


def test_the_example_of_the_documentation_finds_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = doctest.DocTestParser().get_examples(Detector.__doc__ or "")
    (tmp_path / "documented.py").write_text(f"from monitor.messages import RPeak\n{example.source}")
    monkeypatch.syspath_prepend(tmp_path)
    source = Simulator("sinus", rate_hz=250.0, leads=("II",), chunk_s=0.2, keep_truth=True)
    detector = make_detector(source.info, DetectSettings(detector="documented:Threshold"))
    found: list[int] = []
    for block in source.chunks():
        ok = (LeadState.OK,)
        quality = Quality(block.stream, block.start_sample, block.end_sample, ok, usable=True)
        found += [peak.sample for peak in detector.push(block, quality)]
    beats = np.array([beat.sample for beat in source.truth.beats])
    assert len(beats) > 60
    np.testing.assert_allclose(found, beats, atol=0.05 * 250)
