"""Labels after a sudden step of the sinus rate: at first taken for atrial beats, not for long."""

import numpy as np
import pytest

from monitor.config import Settings
from monitor.messages import AamiClass, Beat
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator
from monitor.sources.simulator.scenario import Scenario, Segment


def beats_of(rates_bpm: tuple[float, ...], leads: tuple[str, ...], seed: int) -> list[Beat]:
    """Beats of a minute of sinus rhythm at each rate, by the whole monitor."""
    segments = tuple(Segment("sinus", 60.0, rate) for rate in rates_bpm)
    source = Simulator(Scenario("steps", "steps", segments), 250.0, leads, seed)
    pipeline = Pipeline(source.info, Settings())
    events = [event for chunk in source.chunks() for event in pipeline.push(chunk)]
    return [event for event in [*events, *pipeline.flush()] if isinstance(event, Beat)]


@pytest.mark.slow
@pytest.mark.parametrize("leads", [("II", "V1"), ("II", "V5"), ("I", "II")])
@pytest.mark.parametrize(
    ("rates_bpm", "beats_taken_wrong"), [((72.0, 88.0), 20), ((60.0, 90.0), 36)]
)
def test_normal_beats_at_a_new_rate_are_normal_again_before_long(
    rates_bpm, beats_taken_wrong, leads
):
    beats = beats_of(rates_bpm, leads, seed=0)[:-1]  # the last window is cut off
    at_s = np.array([beat.sample for beat in beats]) / 250.0
    normal = np.array([beat.label is AamiClass.N for beat in beats])
    assert (at_s < 60.0).sum() >= 55
    assert normal[at_s < 60.0].all()
    later = np.flatnonzero(at_s >= 60.0)[beats_taken_wrong:]
    assert len(later) >= 30
    assert normal[later].all()
