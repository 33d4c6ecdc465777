"""A Ray cluster of two nodes, one of which dies: all records are done, as one process does them."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from archive_parts import make_record, results

from monitor.cli import main

ROOT = Path(__file__).resolve().parents[2]
HAS_RAY = importlib.util.find_spec("ray") is not None
PATIENCE_S = 120.0
DETECTORS = '''
import os, time
from pathlib import Path

import ray
from monitor.stages.detect.qrs_detector import QrsDetector


def on_two_nodes(info, settings):
    """The default detector; on the node that will die it waits for that."""
    folder = Path(os.environ["TEST_FOLDER"])
    node = ray.get_runtime_context().get_node_id()
    (folder / f"{info.stream}@{node}").touch()
    while node == (folder / "victim").read_text():
        time.sleep(0.05)
    return QrsDetector(info, settings)


def kills_bad(info, settings):
    """The default detector; its process dies at a record."""
    if info.stream == "bad":
        with (Path(os.environ["TEST_FOLDER"]) / "deaths").open("a") as file:
            file.write("x")
        os.kill(os.getpid(), 9)
    return QrsDetector(info, settings)
'''

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(not HAS_RAY, reason="needs ray: pip install 'ecg-monitor[cluster]'"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "node_detectors.py").write_text(DETECTORS, encoding="utf-8")
    for seed in range(5):
        make_record(folder / "in", f"r{seed}", seed=seed)
    assert main(["annotate", str(folder / "in"), "--out", str(folder / "here"), "--jobs", "1"]) == 0
    return folder


@pytest.fixture(scope="module")
def cluster(folder):
    """Give a cluster of a head and one more node, each with one processor."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_FOLDER", str(folder))
        patch.setenv("PYTHONPATH", f"{folder}:{ROOT}")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # so that it waits for nobody
        node = {"num_cpus": 1, "object_store_memory": 80 << 20}
        head = {**node, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.second = cluster.add_node(**node)
        yield cluster
        cluster.shutdown()


def annotate(cluster, folder, *options, address=None):
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "monitor", "annotate"),
            *("--cluster", address or cluster.address, *options),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", "RAY_ADDRESS": cluster.address},
    )


def began(folder, node):
    return sorted(path.name.partition("@")[0] for path in folder.glob(f"*@{node}"))


def test_a_node_that_dies_in_the_middle_costs_no_record(folder, cluster):
    victim = cluster.second.node_id
    (folder / "victim").write_text(victim)
    options = ["--detector", "node_detectors:on_two_nodes", "--json"]
    with annotate(cluster, folder, "in", "--out", "out", *options) as command:
        until_s = time.monotonic() + PATIENCE_S
        while not began(folder, victim):
            assert command.poll() is None, command.stderr.read()
            assert time.monotonic() < until_s
            time.sleep(0.05)
        cluster.remove_node(cluster.second, allow_graceful=False)
        out, err = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 0, err
    assert sorted(json.loads(line)["name"] for line in out.splitlines()) == [
        f"r{k}" for k in range(5)
    ]
    lost = (
        "ecg-monitor: 1 of 2 machines of the cluster lost; the records that they had are done "
        "again elsewhere\n"
    )
    assert err in (lost, "")  # the records may be done before the cluster has noticed
    twice = set(began(folder, victim))
    others = {path.name.partition("@")[0] for path in folder.glob("*@*") if victim not in path.name}
    assert twice  # a record was under way on the node that died
    assert others == {f"r{k}" for k in range(5)}  # and was done again on the other
    found = results(folder / "out")
    for summary in found.values():
        if isinstance(summary, dict):
            summary["detector"] = "default"
    assert found == results(folder / "here")


def test_a_record_that_kills_its_worker_fails_alone_and_the_rest_is_kept(folder, cluster):
    """On what is left of the cluster, found by itself."""
    make_record(folder / "two", "good")
    make_record(folder / "two", "bad")
    options = ["two", "--out", "out2", "--detector", "node_detectors:kills_bad"]
    with annotate(cluster, folder, *options, address="auto") as command:
        _, err = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 1
    assert "record bad: its worker died 3 times" in err
    assert err.splitlines()[-1] == "ecg-monitor: 1 of 2 records failed"
    assert (folder / "out2" / "good.done.json").exists()
    assert (folder / "deaths").read_text() == "xxx"


@pytest.mark.parametrize("address", ["somewhere", "ray://head:10001", "host:port", ""])
def test_an_address_that_is_none(address, folder, capsys):
    argv = ["annotate", str(folder / "in"), "--out", str(folder / "x"), "--cluster", address]
    assert main(argv) == 2
    assert "must be HOST:PORT of a Ray cluster, auto or local" in capsys.readouterr().err


def test_nobody_at_the_address(folder, capsys):
    argv = ["annotate", str(folder / "in"), "--out", str(folder / "x"), "--cluster", "127.0.0.1:9"]
    assert main(argv) == 1
    assert "no Ray cluster answers at 127.0.0.1:9: Connection refused" in capsys.readouterr().err


def test_a_cluster_is_started_where_there_is_none(monkeypatch):
    import ray

    from monitor.archive.cluster import joined

    asked = []

    def init(address, **options):
        asked.append((address, options.get("include_dashboard")))
        if address == "auto":
            raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: asked.append("left"))
    for address in ("auto", "local"):
        with joined(address):
            pass
    assert asked == [("auto", None), ("local", False), "left", ("local", False), "left"]


def test_a_cluster_that_is_lost_is_told(monkeypatch):
    import ray

    from monitor.archive.cluster import _outcome

    def lost(_):
        raise ray.exceptions.LocalRayletDiedError

    monkeypatch.setattr(ray, "get", lost)
    outcome = _outcome(SimpleNamespace(name="a", record="a"), None)
    assert outcome.wrong == (
        "record a: the cluster lost it (LocalRayletDiedError): run the command again, it goes on "
        "where it was"
    )


def test_jobs_and_cluster_are_not_both(capsys):
    with pytest.raises(SystemExit):
        main(["annotate", "x", "--out", "y", "--jobs", "2", "--cluster", "local"])
    assert "not allowed with argument --jobs" in capsys.readouterr().err


def test_a_model_needs_a_path_that_holds_on_all_machines(folder, tmp_path, monkeypatch, capsys):
    shutil.copy(ROOT / "monitor" / "models" / "cnn.pt", tmp_path / "mine.pt")
    monkeypatch.chdir(tmp_path)
    argv = ["annotate", str(folder / "in"), "--out", "x", "--model", "mine.pt"]
    assert main([*argv, "--cluster", "local"]) == 2
    assert "mine.pt: the machines of a cluster need its full path" in capsys.readouterr().err
