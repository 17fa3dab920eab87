"""The whole configuration: settings, models and their keys, read together."""

import os
from pathlib import Path

import pytest

from config.configuration import calm_serve, load_configuration, require_ray_token
from core.errors import StartupFailed

MODELS = """
arms:
  - model: openai/some-model
    key_variable: SOME_KEY
  - model: openai/local
    api_base: http://127.0.0.1:8080/v1
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    file = tmp_path / "models.yaml"
    file.write_text(MODELS)
    return file


def test_a_model_without_its_key_is_left_out(models: Path) -> None:
    without = load_configuration({"MODELS_FILE": str(models)}, None)
    assert [arm.model for arm in without.arms] == ["openai/local"]
    with_key = load_configuration({"MODELS_FILE": str(models), "SOME_KEY": "sk-made-up"}, None)
    assert [arm.model for arm in with_key.arms] == ["openai/some-model", "openai/local"]
    assert "sk-made-up" not in repr(with_key)


def test_a_models_key_may_stand_in_dotenv_and_a_stranger_may_not(models: Path, tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"MODELS_FILE={models}\nSOME_KEY=sk-made-up\nAPI_PORT=8123\n")
    found = load_configuration({}, dotenv)
    assert (len(found.arms), found.settings.api.port) == (2, 8123)
    dotenv.write_text(dotenv.read_text() + "SOME_KEEY=x\n")
    with pytest.raises(StartupFailed, match="SOME_KEEY"):
        load_configuration({}, dotenv)


def test_overrides_win(models: Path) -> None:
    found = load_configuration({"MODELS_FILE": str(models), "API_PORT": "8001"}, None, API_PORT="8002")
    assert found.settings.api.port == 8002


def test_without_anything_the_defaults_stand() -> None:
    found = load_configuration({}, None)
    assert found.arms == ()
    assert found.settings.enable.prompt_compression is False


def test_ray_is_told_to_ask_for_its_token_and_what_an_operator_says_of_serve_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_SERVE_CONTROL_LOOP_INTERVAL_S", "2")
    require_ray_token()
    calm_serve()
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert os.environ["RAY_SERVE_CONTROL_LOOP_INTERVAL_S"] == "2"
