"""Inputs of the beats that the monitor finds: the same beats, and the same labels, as in use."""

import pytest

from monitor.messages import Beat
from monitor.models.bundle import load_bundle
from monitor.pipeline import Pipeline
from monitor.sources.wfdb.record import WfdbRecord
from tools.data.own_beats import find
from tools.train.labels import logits

RECORD = "cinc2015/v102s"


@pytest.mark.slow
def test_beats_and_labels_are_those_of_the_monitor(data_dir):
    bundle = load_bundle("aami")
    path = data_dir / RECORD
    if not path.with_suffix(".hea").exists():
        path = next(iter(sorted((data_dir / "cinc2015").glob("*.hea")))).with_suffix("")
    found = find(path, bundle.manifest)
    source = WfdbRecord(path)
    pipeline = Pipeline(source.info, bundle=bundle)
    events = [event for chunk in source.chunks() for event in pipeline.push(chunk)]
    beats = [event for event in [*events, *pipeline.flush()] if isinstance(event, Beat)]
    assert len(beats) > 100
    assert found.sample.tolist() == [beat.sample for beat in beats]
    label = logits(bundle.net, found.signal, found.features).argmax(1)
    label[~found.valid] = 4
    assert "".join("NSVFQ"[k] for k in label) == "".join(beat.label for beat in beats)
