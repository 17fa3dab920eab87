"""The application that `serve deploy config/serve.yaml` builds, without a cluster."""

from pathlib import Path

import pytest
import yaml
from ray.serve import Application

from config.configuration import load_configuration
from deployments import app

SERVE_YAML = Path(__file__).parents[2] / "config" / "serve.yaml"


def test_serve_yaml_names_the_builder_and_it_builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (declared,) = yaml.safe_load(SERVE_YAML.read_text())["applications"]
    assert declared["import_path"] == "deployments.app:build"
    assert declared["name"] == app.APP
    monkeypatch.setattr(app, "load_configuration", lambda: load_configuration({}, None, DATA_DIR=str(tmp_path)))
    assert isinstance(app.build({}), Application)


def test_langsmith_is_used_with_a_key_only() -> None:
    without = load_configuration({}, None).settings
    assert app._tracing(without) is None
    settings = load_configuration({"LANGSMITH_API_KEY": "made-up", "LANGSMITH_PROJECT": "tea"}, None).settings
    target = app._tracing(settings)
    assert target is not None
    assert target.project == "tea"
    assert "made-up" not in repr(target)


def test_the_model_has_a_public_name() -> None:
    assert app._api_config(load_configuration({}, None).settings).embedding_model == "all-MiniLM-L6-v2"
    other = load_configuration({"EMBEDDING_MODEL": "some/model", "API_KEYS": '{"sk-made-up": "*"}'}, None).settings
    assert app._api_config(other).embedding_model == "some/model"
    assert "sk-made-up" not in repr(app._api_config(other))
