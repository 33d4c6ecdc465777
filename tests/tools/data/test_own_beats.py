"""Inputs of the beats that the monitor finds: the same beats, and the same labels, as in use."""

import numpy as np
import pytest

from monitor.messages import Beat
from monitor.models.bundle import load_bundle
from monitor.pipeline import Pipeline
from monitor.sources.wfdb_record import WfdbRecord
from tools.data.own_beats import FoundBeats, find, weak
from tools.train.labels import logits

RECORD = "cinc2015/v102s"


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


def test_beats_well_within_tachycardia_are_v_and_others_left_out(data_dir):
    manifest = load_bundle("aami").manifest
    sample = np.arange(0, 250 * 2100, 100)
    rows = np.zeros((len(sample), 4, 188), np.float32)
    found = FoundBeats(rows, rows[:, 0, :5], sample, sample % 300 > 0)
    beats = weak(data_dir, "vfdb/614", found, manifest)
    assert set(beats.label.tolist()) == {2}
    assert len(beats.sample) == pytest.approx(676 / 0.4 * 2 / 3, rel=0.06)
    assert (beats.sample % 300 > 0).all()
