"""A machine of a Ray cluster dies under live streams: they go on elsewhere, nothing is lost."""

import importlib.util
import os
import random
from pathlib import Path

import pytest
from killed_service import check_that_all_goes_on, kill_workers_again_and_again
from test_server_killed import canonical

ROOT = Path(__file__).resolve().parents[2]
HAS_RAY = importlib.util.find_spec("ray") is not None

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(not HAS_RAY, reason="needs ray: pip install 'ecg-monitor[cluster]'"),
]


@pytest.fixture
def cluster():
    """Give a cluster whose head has no workers, and two nodes for them."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        node = {"object_store_memory": 80 << 20}
        head = {**node, "num_cpus": 0, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.nodes = [cluster.add_node(num_cpus=2, **node) for _ in range(2)]
        yield cluster
        cluster.shutdown()


def parents(pid):
    """Numbers of the processes above a process."""
    found = set()
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        found.add(pid)
    return found


@pytest.mark.timeout(600)
def test_the_node_with_the_stream_is_killed(survey, cluster, tmp_path):
    def end(number, pid):
        above = parents(pid)
        (node,) = [
            node
            for node in cluster.nodes
            if above & {info.process.pid for info in node.all_processes["raylet"]}
        ]
        cluster.remove_node(node, allow_graceful=False)

    os.environ.pop("RAY_ADDRESS", None)
    killed = kill_workers_again_and_again(
        tmp_path / "journal.db",
        1,
        random.Random(6),
        speed=8.0,
        options=("--cluster", cluster.address),
        end=end,
        hurried=True,
    )
    assert len(killed.restored) == 1
    check_that_all_goes_on(killed)
    survey.report(
        "a machine of a cluster dies under a live stream",
        1,
        len(killed.recovery_s),
        list(map(canonical, killed.alerts())),
        list(map(canonical, killed.received)),
        killed.recovery_s[0],
    )
