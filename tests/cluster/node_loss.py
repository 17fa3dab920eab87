"""Two Ray nodes on this machine, of which one is lost while callers go on: `python -m tests.cluster.node_loss FOLDER`.

Writes into the folder how many shards were on it, and of each key how many additions were acknowledged and are there.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import ray
from ray.cluster_utils import Cluster

from actors.runtime import NAMESPACE, ActorSpec, spawn
from actors.runtime_host import ShardConfig
from actors.runtime_references import EntityRef, entity
from actors.supervisor import Supervisor
from core.errors import Unavailable
from deployments.local_ray import init_ray
from tests.actors.shards import journal_url
from tests.cluster.counters import Homeless

SHARDS = 6
TOLD = "told.json"
KEYS = [f"key {number}" for number in range(24)]
# What a node's silence means after three seconds; the default takes half a minute.
HEALTH = {"health_check_period_ms": 1_000, "health_check_timeout_ms": 1_000, "health_check_failure_threshold": 3}


async def lose(node: Any, cluster: Cluster, folder: Path) -> Mapping[str, object]:
    counter = entity(Homeless, ShardConfig(journal_url(folder), shards=SHARDS))
    ref = cast(EntityRef, counter)
    await asyncio.gather(*(counter.add(key) for key in KEYS))
    supervisor = await spawn(ActorSpec("HomelessSupervisor"), Supervisor, [ref])
    await supervisor.start()
    before = _nodes()
    done, acknowledged, unanswered = asyncio.Event(), dict.fromkeys(KEYS, 1), dict.fromkeys(KEYS, 0)

    async def call(key: str) -> None:
        while not done.is_set():
            try:
                await counter.add(key)
                acknowledged[key] += 1
            except Unavailable:
                unanswered[key] += 1

    callers = [asyncio.ensure_future(call(key)) for key in KEYS]
    await asyncio.sleep(1)
    await asyncio.to_thread(cluster.remove_node, node, allow_graceful=False)
    at_loss = dict(acknowledged)
    while any(acknowledged[key] < at_loss[key] + 3 for key in KEYS):  # noqa: ASYNC110 - the callers go on meanwhile
        await asyncio.sleep(0.1)
    done.set()
    await asyncio.gather(*callers)
    adds = {key: (await counter.total(key)).adds for key in KEYS}
    lost = [shard for shard, its_node in before.items() if its_node == node.node_id]
    return {"shards_lost": len(lost), "acknowledged": acknowledged, "unanswered": unanswered, "adds": adds}


def _nodes() -> Mapping[str, str]:
    """On which node each shard is."""
    names = [f"{Homeless.kind.name}-{index}" for index in range(SHARDS)]
    at = [ray.get_actor(name, NAMESPACE).__ray_call__.remote(_node) for name in names]
    return dict(zip(names, ray.get(at), strict=True))


def _node(actor: object) -> str:
    del actor
    return str(ray.get_runtime_context().get_node_id())


def main(folder: Path) -> None:
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": HEALTH, "temp_dir": str(folder / "ray")}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        node = cluster.add_node(num_cpus=1)
        init_ray(address=cluster.address)
        told = asyncio.run(lose(node, cluster, folder))
        (folder / TOLD).write_text(json.dumps(told))
        ray.shutdown()
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
