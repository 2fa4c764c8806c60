import os
from collections.abc import Iterator
from typing import Any

import pytest

from tamis.scale.cluster import Cluster


@pytest.fixture(scope="session")
def nodes() -> Iterator[Any]:
    """A Ray cluster of three nodes on this machine, of which the head does no work."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster as Nodes

    small: Any = {"object_store_memory": 80 << 20, "include_dashboard": False}
    nodes: Any = Nodes(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    for _ in range(2):
        nodes.add_node(num_cpus=1, **small)
    yield nodes
    nodes.shutdown()


@pytest.fixture
def cluster(nodes: Any) -> str:
    """Its address."""
    return str(nodes.address)


@pytest.fixture
def on_ray(cluster: str) -> Iterator[Cluster]:
    """Two workers of it, on two nodes."""
    executor = Cluster(cluster, 2)
    yield executor
    executor.close()
