"""What the network says of a beat does not depend on what goes through it together with it."""

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.messages import Samples
from monitor.models.bundle import Bundle, load_bundle
from monitor.models.manifest import Manifest
from monitor.pipeline import Pipeline
from monitor.sources.simulator import Simulator
from monitor.stages.classify import BeatInputs, BeatNetwork
from monitor.stages.steps import run_together

MODELS = ("aami", "kaggle5", "cnn", "lstm")


@pytest.fixture(scope="module")
def bundles():
    return {name: load_bundle(name) for name in MODELS}


def beats_of(bundle, count, seed):
    manifest = bundle.manifest
    draw = np.random.default_rng(seed)
    t = np.linspace(-0.7, 0.8, manifest.length)
    width = draw.uniform(0.01, 0.08, (count, 1, 1))
    signal = draw.normal(0, 1, (count, 1, 1)) * np.exp(-0.5 * (t / width) ** 2)
    signal = signal + draw.normal(0, 0.05, (count, manifest.signal_rows, manifest.length))
    features = draw.normal(size=(count, manifest.feature_count))
    return signal.astype(np.float32), features.astype(np.float32)


def as_inputs(network, signal, features, rows):
    return BeatInputs(network, signal[rows], features[rows])


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_scores_of_a_beat_do_not_depend_on_its_neighbours(bundles, model, data):
    bundle = bundles[model]
    network = BeatNetwork(bundle)
    signal, features = beats_of(bundle, 24, 5)
    alone = np.concatenate(
        [network([as_inputs(network, signal, features, [k])])[0] for k in range(len(signal))]
    )
    rows = st.lists(st.integers(0, len(signal) - 1), max_size=11)
    groups = data.draw(st.lists(rows, min_size=1, max_size=9))
    found = network([as_inputs(network, signal, features, group) for group in groups])
    assert len(found) == len(groups)
    for group, scores in zip(groups, found, strict=True):
        assert np.array_equal(scores, alone[group])


class Mixing(torch.nn.Module):
    """A network that is not fit for batches: every beat sees all others."""

    def forward(self, signal):
        return signal[:, 0, :5] + signal.mean()


def test_a_network_whose_rows_are_not_independent_is_run_beat_by_beat():
    bundle = Bundle(Manifest("mixing", 0.704), torch.jit.script(Mixing()), "made", "")
    signal, features = beats_of(bundle, 7, 1)
    network = BeatNetwork(bundle)
    together = network([as_inputs(network, signal, features, slice(0, 7))])[0]
    expected = torch.softmax(torch.from_numpy(signal[:, 0, :5] + signal.mean((1, 2))[:, None]), 1)
    assert together == pytest.approx(expected.numpy(), abs=1e-6)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_pipelines_that_share_batches_give_what_each_gives_alone(bundles, seed):
    """Any number of streams in step, their pieces cut anyhow and joined to rounds anyhow."""
    draw = np.random.default_rng(seed)
    signals, alone = {}, {}
    for name in ("sinus", "vt", "af", "pvc"):
        source = Simulator(name, rate_hz=250.0, stream=name)
        values = np.concatenate([c.values_mv for c in islice(source.chunks(), 40)])
        values = values[: 25 * 250]
        reference = Pipeline(source.info, bundle=bundles["aami"])
        alone[name] = reference.push(Samples(name, 0, values)) + reference.flush()
        signals[name] = (source.info, values)
    pipelines = {n: Pipeline(info, bundle=bundles["aami"]) for n, (info, _) in signals.items()}
    found = {name: [] for name in signals}
    at = dict.fromkeys(signals, 0)
    while any(at[n] < len(v) for n, (_, v) in signals.items()):
        names = list(draw.permutation(list(signals)))[: draw.integers(1, 5)]
        steps = []
        for name in names:
            size = int(draw.integers(0, 2500))
            values = signals[name][1][at[name] : at[name] + size]
            steps.append(pipelines[name].steps(Samples(name, at[name], values)))
            at[name] += len(values)
        for name, events in zip(names, run_together(steps), strict=True):
            found[name] += events
    for name, pipeline in pipelines.items():
        assert found[name] + pipeline.flush() == alone[name]
