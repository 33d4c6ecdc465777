"""Every registered detector keeps the contract; see also test_detect_accuracy.py."""

import numpy as np
import pytest

from monitor.config import DetectSettings
from monitor.errors import MonitorError
from monitor.messages import StreamInfo
from monitor.stages.detect import make_detector

INFO = StreamInfo("bed-1", 250.0, ("II",))


@pytest.mark.parametrize("name", ["", "nope", "neurokit:nope", "monitor.stages:Nope", "no.such:X"])
def test_an_unknown_detector_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(MonitorError, match="detector"):
        make_detector(INFO, DetectSettings(detector=name))


def test_a_dotted_path_makes_a_custom_detector() -> None:
    settings = DetectSettings(detector="monitor.stages.detect.gradient:GradientDetector")
    assert type(make_detector(INFO, settings)).__name__ == "GradientDetector"
    assert np.isfinite(make_detector(INFO, settings).settled_sample)
