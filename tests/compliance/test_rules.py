"""The house rules hold over the whole tree, and each of them finds what it is there to find."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.compliance.house import MAX_FILE_LINES, MAX_FUNCTION_LINES, free_of_this_machine, short_enough, telling_names
from tests.compliance.imports import PART_OF, actors_stand_alone, one_http_client, ray_at_its_places
from tests.compliance.purity import core_is_pure, environment_read_in_config_only
from tests.compliance.sources import ROOT, Finding, Source, python_sources, text_files
from tests.compliance.steps import PIPELINES, stages_return_step_results, tools_return_step_results

Rule = Callable[[Source], Iterator[Finding]]
CODE_RULES: tuple[Rule, ...] = (
    ray_at_its_places,
    one_http_client,
    actors_stand_alone,
    environment_read_in_config_only,
    core_is_pure,
    short_enough,
    telling_names,
    stages_return_step_results,
    tools_return_step_results,
)
# Written apart, so that this file does not hold what it looks for.
A_PATH = "/" + "home/somebody/bot"
A_REGISTRY = "files.python" + "hosted.org"

BROKEN: list[tuple[Rule, str, str]] = [
    (ray_at_its_places, "bot/ask.py", "import ray"),
    (ray_at_its_places, "core/x.py", "from ray import serve"),
    (ray_at_its_places, "actors/limiter.py", "def f():\n    import ray.util"),
    (one_http_client, "bot/ask.py", "import aiohttp"),
    (one_http_client, "deployments/x.py", "from urllib import request"),
    (one_http_client, "agents/x.py", "import urllib.request as u"),
    (one_http_client, "deployments/x.py", "from http.client import HTTPConnection"),
    (one_http_client, "demo/site.py", "from aiohttp import ClientSession"),
    (one_http_client, "bot/x.py", "importlib.import_module('requests')"),
    (actors_stand_alone, "actors/limiter.py", "from actors.transcript_store import TranscriptStore"),
    (actors_stand_alone, "actors/limiter.py", "from . import transcript_store"),
    (actors_stand_alone, "actors/limiter.py", "from actors import qdrant_points"),
    (actors_stand_alone, "actors/qdrant_points.py", "import actors.transcript_store"),
    (environment_read_in_config_only, "bot/x.py", "import os\nhome = os.environ['HOME']"),
    (environment_read_in_config_only, "core/x.py", "import os\nos.getenv('HOME')"),
    (environment_read_in_config_only, "agents/x.py", "from os import environ"),
    (environment_read_in_config_only, "bot/x.py", "import os\nos.environ['HOME'] = 'set outside of deployments'"),
    (environment_read_in_config_only, "deployments/x.py", "import os\nchild = dict(os.environ)"),
    (environment_read_in_config_only, "deployments/x.py", "import os\nx = os.environ.setdefault('A', 'b')"),
    (core_is_pure, "core/x.py", "from datetime import datetime\ndatetime.now()"),
    (core_is_pure, "core/x.py", "import datetime\ndatetime.datetime.now(tz)"),
    (core_is_pure, "core/x.py", "bucket = hash(tenant) % 10"),
    (core_is_pure, "core/x.py", "import random\nrandom.choice([1])"),
    (core_is_pure, "core/x.py", "from random import Random\nRandom()"),
    (core_is_pure, "core/x.py", "import numpy as np\nnp.random.default_rng()"),
    (core_is_pure, "core/x.py", "import numpy as np\nnp.random.rand(3)"),
    (core_is_pure, "core/x.py", "import uuid\nuuid.uuid4()"),
    (core_is_pure, "core/x.py", "open('x')"),
    (core_is_pure, "core/x.py", "path.read_text()"),
    (short_enough, "core/x.py", "x = 1\n" * (MAX_FILE_LINES + 1)),
    (short_enough, "tests/x.py", "async def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
    (telling_names, "core/cache_manager.py", ""),
    (telling_names, "core/utils/x.py", ""),
    (telling_names, "core/x.py", "class EnhancedCache: ..."),
    (telling_names, "core/x.py", "class HTTPHelper: ..."),
    (telling_names, "core/x.py", "def search_v2(): ..."),
    (stages_return_step_results, "deployments/x.py", "@stage('a')\nasync def f() -> int: ..."),
    (stages_return_step_results, "deployments/x.py", "@stage('a')\nasync def f(): ..."),
    (stages_return_step_results, "core/x.py", "@stages.stage('a')\ndef f() -> StepResult[int]: ..."),
    (stages_return_step_results, PIPELINES[0], "async def f() -> StepResult[int]: ..."),
    (tools_return_step_results, "agents/tools/x.py", "async def look_up(word: str) -> str: ..."),
    (free_of_this_machine, "README.md", f"Put it in {A_PATH}."),
    (free_of_this_machine, "docs/x.md", f"pip looks at {A_REGISTRY}"),
]

KEPT: list[tuple[Rule, str, str]] = [
    (ray_at_its_places, "deployments/app.py", "import ray"),
    (ray_at_its_places, "actors/runtime_ray.py", "import ray"),
    (ray_at_its_places, "bot/x.py", "import rayleigh"),
    (one_http_client, "deployments/http_client.py", "import aiohttp"),
    (one_http_client, "tests/fakes/x.py", "import aiohttp"),
    (one_http_client, "demo/site.py", "from http.server import ThreadingHTTPServer"),
    (one_http_client, "core/x.py", "from urllib.parse import urlsplit\nimport http.server"),
    (actors_stand_alone, "actors/limiter.py", "from actors.runtime import spawn\nfrom core.ports import Embedder"),
    (actors_stand_alone, "actors/transcript_store.py", "from actors.qdrant_points import Scope"),
    (actors_stand_alone, "actors/qdrant_edge_index.py", "from actors import qdrant_points"),
    (environment_read_in_config_only, "config/x.py", "import os\nos.environ['HOME']"),
    (
        environment_read_in_config_only,
        "deployments/x.py",
        "import os\nos.environ['A'] = 'b'\nos.environ.setdefault('A', 'b')",
    ),
    (environment_read_in_config_only, "bot/x.py", "import os\nos.getpid()"),
    (core_is_pure, "core/x.py", "from random import Random\nRandom(7)\nrng.random()\nclock.now()"),
    (core_is_pure, "core/x.py", "import numpy as np\nnp.random.default_rng(7)\nhashlib.sha256(b'')"),
    (core_is_pure, "bot/x.py", "open('x')"),
    (short_enough, "core/x.py", "x = 1\n" * MAX_FILE_LINES),
    (short_enough, "core/x.py", "def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES - 1)),
    (telling_names, "core/utilisation.py", "def managed(): ...\nclass Revision2: ..."),
    (stages_return_step_results, PIPELINES[0], "@stage('a')\nasync def f() -> 'StepResult[int]': ..."),
    (
        tools_return_step_results,
        "agents/tools/x.py",
        "async def f() -> StepResult[int]: ...\nasync def _g() -> int: ...",
    ),
    (tools_return_step_results, "agents/x.py", "async def f() -> int: ..."),
    (free_of_this_machine, "README.md", "https://talks.example/home/x and ~/bot, on/off, /var/tmp, at work/home"),
]


@pytest.mark.parametrize("rule", CODE_RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    found = sorted(finding for source in python_sources() for finding in rule(source))
    assert not found, "\n" + "\n".join(map(str, found))


def test_no_text_of_the_tree_knows_a_machine_or_a_registry() -> None:
    found = sorted(finding for source in text_files() for finding in free_of_this_machine(source))
    assert not found, "\n" + "\n".join(map(str, found))


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_the_rule_finds_what_breaks_it(rule: Rule, path: str, text: str) -> None:
    (finding,) = rule(Source(path, text))
    assert str(finding).startswith(f"{path}:")


@pytest.mark.parametrize(("rule", "path", "text"), KEPT)
def test_the_rule_lets_through_what_keeps_it(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))) == []


def test_the_walk_sees_every_room_and_the_texts_at_the_top() -> None:
    rooms = {source.room for source in python_sources()}
    assert {"actors", "bot", "config", "core", "demo", "deployments", "evals", "tests"} <= rooms
    paths = {source.path for source in text_files()}
    assert {"Makefile", "pyproject.toml", "constraints.txt", ".ci/run", ".env.example", "cluster.yaml"} <= paths


def test_the_files_that_the_rules_name_are_there() -> None:
    parts = (module.replace(".", "/") + ".py" for pair in PART_OF.items() for module in pair)
    for path in (*PIPELINES, *parts):
        assert (ROOT / Path(path)).exists(), f"{path} is gone: take its exception or rule out"
