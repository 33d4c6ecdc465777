"""What a stream may be: names, rate and leads that nothing behind could use are refused."""

import pytest

from monitor.errors import MonitorError
from monitor.messages import StreamInfo


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stream": "bed 7"}, "name 'bed 7' is not usable"),
        ({"stream": "x" * 65}, "is not usable"),
        ({"rate_hz": 50.0}, "50 Hz is outside 100 to 1000 Hz"),
        ({"rate_hz": float("nan")}, "nan Hz is outside"),
        ({"leads": ()}, "has 0"),
        ({"leads": ("II", "")}, "named ECG leads"),
        ({"leads": ("II",) * 33}, "has 33"),
        ({"leads": "II"}, "tuple of names"),
        ({"leads": ("x" * 65,)}, "over 64 characters"),
        ({"start_sample": -1}, "start sample -1 is negative"),
        ({"pulse": "ABP"}, "must be the last"),
        ({"leads": ("ABP",), "pulse": "ABP"}, "of at least two"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(changes, reason):
    with pytest.raises(MonitorError, match=reason):
        StreamInfo(**{"stream": "bed-7", "rate_hz": 250.0, "leads": ("II", "V1"), **changes})


def test_the_ecg_of_a_stream_is_what_comes_before_the_pulse():
    info = StreamInfo("bed-7", 250.0, ("II", "V1", "ABP"), pulse="ABP")
    ecg = info.ecg
    assert ecg == StreamInfo("bed-7", 250.0, ("II", "V1"))
    assert ecg.ecg is ecg
