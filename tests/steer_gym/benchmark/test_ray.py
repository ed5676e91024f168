"""A Ray cluster gives the rows that one process gives."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_work

from steer_gym.benchmark import Benchmark
from steer_gym.benchmark.ray_crew import run_on_ray
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.errors import EvaluationError

ray = pytest.importorskip("ray", reason="needs the extra 'bench'")

TIMES = ("wall_s", "ended", "latency_s", "provenance")


@pytest.fixture
def two_nodes() -> Iterator[Any]:
    """Return a cluster of two nodes with one processor each, on this machine."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    here, memory = Path(__file__).parent, {"object_store_memory": 80_000_000}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (here, here.parent))))
        cluster = cluster_utils.Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, **memory}
        )
        cluster.add_node(num_cpus=1, **memory)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
        yield cluster
        ray.shutdown()
        cluster.shutdown()


def test_a_cluster_that_does_not_answer_is_said_at_once() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and listens not
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(EvaluationError, match=f"No Ray cluster answers at {address}"):
            run_on_ray([], lambda: None, toy_work.work_there, address=address)


@pytest.mark.usefixtures("two_nodes")
def test_two_nodes_give_the_rows_of_one_process(benchmark: Benchmark, tmp_path: Path) -> None:
    policies = tuple(replace(benchmark.policies[0], label=label) for label in "ab")
    four, manner = replace(benchmark, policies=policies), Manner(quiet=True, films=0)
    one = run_benchmark(four, tmp_path / "one", manner)
    on_ray = replace(manner, ray=True)
    two = run_benchmark(four, tmp_path / "two", on_ray, work=toy_work.work_there)
    assert [{k: v for k, v in row.items() if k not in TIMES} for row in one.rows] == [
        {k: v for k, v in row.items() if k not in TIMES} for row in two.rows
    ]
    assert len({path.read_text() for path in (tmp_path / "two").glob("node-*")}) == 2
    assert (tmp_path / "two" / "died-0").exists()  # its job was done again
