"""cluster.yaml and config/serve.yaml are what Ray accepts, and open nothing to the world."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

# Ray's own models of its schema still use a form that pydantic deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20")

ROOT = Path(__file__).parents[1]
CLUSTER = (ROOT / "cluster.yaml").read_text(encoding="utf-8")
SERVE = (ROOT / "config" / "serve.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    """cluster.yaml as Ray's autoscaler sees it: its defaults filled in and its schema checked."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared: dict[str, Any] = prepare_config(yaml.safe_load(CLUSTER))
    validate_config(prepared)
    return prepared


def test_a_head_with_cpus_and_gpu_workers_that_may_be_none(cluster: dict[str, Any]) -> None:
    workers = {
        name: node for name, node in cluster["available_node_types"].items() if name != cluster["head_node_type"]
    }
    assert {name: node["min_workers"] for name, node in workers.items()} == {"gpu_worker": 0}
    assert workers["gpu_worker"]["max_workers"] == cluster["max_workers"] > 0
    instance_types = {
        name: node["node_config"]["InstanceType"] for name, node in cluster["available_node_types"].items()
    }
    assert re.match(r"[gp]\d", instance_types["gpu_worker"])
    assert not re.match(r"[gp]\d", instance_types["head"])


def test_every_node_asks_for_the_token(cluster: dict[str, Any]) -> None:
    starts = [*cluster["head_start_ray_commands"], *cluster["worker_start_ray_commands"]]
    starts = [command for command in starts if "ray start" in command]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token" in command for command in starts)
    assert cluster["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"


def test_nothing_is_open_to_the_world(cluster: dict[str, Any]) -> None:
    (head_start,) = (command for command in cluster["head_start_ray_commands"] if "ray start" in command)
    assert "--dashboard-host=127.0.0.1" in head_start
    assert "0.0.0.0" not in str(cluster)
    assert "::/0" not in str(cluster)
    for node in cluster["available_node_types"].values():
        assert node["node_config"]["SecurityGroupIds"], (
            "without one, Ray makes a group with port 22 open to every address"
        )


def test_nodes_install_the_project_from_its_lock(cluster: dict[str, Any]) -> None:
    assert cluster["file_mounts"]["~/bot"] == "."
    for commands in (cluster["head_setup_commands"], cluster["worker_setup_commands"]):
        assert any("make -C ~/bot GPU=1 install" in command for command in commands)
        assert not any("ray-wheels" in command for command in commands)
    assert "**/.venv" in cluster["rsync_exclude"]
    assert "**/.git" in cluster["rsync_exclude"]


def test_the_way_to_keep_the_control_state_in_redis_is_shown() -> None:
    assert re.search(r"#.*\n.*# RAY_REDIS_ADDRESS=", CLUSTER)


def test_rays_check_finds_a_mistake() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    wrong = yaml.safe_load(CLUSTER) | {"max_wrokers": 3}
    with pytest.raises(Exception, match="max_wrokers"):
        validate_config(prepare_config(wrong))


@pytest.mark.parametrize("gpu", [False, True])
def test_serve_accepts_the_deployment_with_and_without_its_gpu_lines(gpu: bool) -> None:
    from ray.serve.schema import ServeDeploySchema

    text = re.sub(r"^    # (?=deployments:|  )", "    ", SERVE, flags=re.MULTILINE) if gpu else SERVE
    (application,) = ServeDeploySchema.model_validate(yaml.safe_load(text)).applications
    assert application.import_path == "deployments.app:build"
    assert application.name == "bot"
    assert [deployment.name for deployment in application.deployments] == (["Embedder", "Trimmer"] if gpu else [])


def test_the_deployment_names_what_is_there() -> None:
    app = (ROOT / "deployments" / "app.py").read_text(encoding="utf-8")
    assert re.search(r"^def build\(", app, re.MULTILINE)
    for name in re.findall(r"- name: ([A-Z]\w+)", SERVE):
        assert re.search(rf"\b{name}\b", app), f"deployments/app.py deploys no {name}"


def test_serve_listens_on_this_machine_only() -> None:
    serve = yaml.safe_load(SERVE)
    assert serve["http_options"]["host"] == "127.0.0.1"
    assert serve["proxy_location"] == "HeadOnly"
