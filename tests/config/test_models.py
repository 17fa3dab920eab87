"""config/models.yaml and what may be wrong with it."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from config.models import key_variables, load_models
from core.arms import EXTRACTIVE, ModelArm
from core.errors import StartupFailed

SHIPPED = Path(__file__).parents[2] / "config" / "models.yaml"
KEYS = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a", "GEMINI_API_KEY": "g"}
ARM = "arms:\n  - model: openai/gpt-5.4-mini\n    key_variable: OPENAI_API_KEY\n"


def loaded(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> tuple[ModelArm, ...]:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return load_models(path, KEYS if env is None else env)


def test_the_file_that_we_ship_loads_in_its_order() -> None:
    arms = load_models(SHIPPED, KEYS)
    assert [arm.model.partition("/")[0] for arm in arms] == ["anthropic", "openai", "gemini"]
    assert [arm.api_key.get_secret_value() for arm in arms if arm.api_key] == ["sk-a", "sk-o", "g"]


def test_the_models_that_we_ship_are_known_to_litellm_with_a_price() -> None:
    litellm: Any = importlib.import_module("deployments.model_router").ModelRouter()._litellm
    for arm in load_models(SHIPPED, KEYS):
        known = litellm.get_model_info(arm.model)
        assert known["input_cost_per_token"] > 0
        assert known["output_cost_per_token"] > 0
        assert arm.max_output_tokens <= known["max_output_tokens"]


@pytest.mark.parametrize("env", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": " \n"}, {"OTHER": "x"}])
def test_an_arm_without_its_key_is_left_out(tmp_path: Path, env: dict[str, str]) -> None:
    assert loaded(tmp_path, ARM, env) == ()


def test_the_commented_server_of_ones_own_works_when_taken_in(tmp_path: Path) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("  # - name:"))
    [mine] = loaded(tmp_path, "\n".join(["arms:", *(line.replace("# ", "", 1) for line in lines[start:])]), {})
    assert (mine.name, mine.api_key, mine.api_base) == ("local/qwen", None, "http://127.0.0.1:8080/v1")
    assert (mine.input_cost_per_token, mine.output_cost_per_token) == (0.0, 0.0)


def test_every_field_arrives(tmp_path: Path) -> None:
    text = ARM + (
        "    name: mini\n    api_base: https://proxy.example/v1\n    timeout_s: 12.5\n    max_output_tokens: 100\n"
        "    json_mode: false\n    temperature: 0.5\n    input_usd_per_million: 2\n    output_usd_per_million: 10.0\n"
    )
    [arm] = loaded(tmp_path, text)
    assert arm.api_key is not None
    assert arm.api_key.get_secret_value() == "sk-o"
    assert (arm.name, arm.model, arm.api_base) == ("mini", "openai/gpt-5.4-mini", "https://proxy.example/v1")
    assert (arm.timeout_s, arm.max_output_tokens, arm.json_mode, arm.temperature) == (12.5, 100, False, 0.5)
    assert arm.input_cost_per_token == pytest.approx(2e-6)
    assert arm.output_cost_per_token == pytest.approx(1e-5)


@pytest.mark.parametrize("text", ["", "# nothing\n", "arms:\n", "arms: []\n"])
def test_a_file_without_arms_is_fine(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == ()


BAD = {
    "an unknown field": (ARM + "    colour: red\n", "arms.0.colour"),
    "a misspelt top": ("arm: []\n", "arm"),
    "no provider": ("arms:\n  - model: gpt-5\n    key_variable: K\n", "arms.0.model"),
    "no model": ("arms:\n  - key_variable: K\n", "arms.0.model"),
    "our own": ("arms:\n  - model: local/extractive\n    key_variable: K\n", "arms.0.model"),
    "our own name": (ARM + f"    name: {EXTRACTIVE}\n", "arms.0.name"),
    "no way in": ("arms:\n  - model: openai/gpt-5\n", "arms.0"),
    "a key for a name": ("arms:\n  - model: openai/gpt-5\n    key_variable: sk-secret-value\n", "arms.0.key_variable"),
    "a timeout": (ARM + "    timeout_s: 0\n", "arms.0.timeout_s"),
    "an endless timeout": (ARM + "    timeout_s: .inf\n", "arms.0.timeout_s"),
    "a temperature": (ARM + "    temperature: 3\n", "arms.0.temperature"),
    "a price": (ARM + "    input_usd_per_million: -1\n", "arms.0.input_usd_per_million"),
    "an address": (ARM + "    api_base: ftp://x\n", "arms.0.api_base"),
    "twice": (ARM + ARM.partition("\n")[2], 'two arms are called "openai/gpt-5.4-mini"'),
    "a list": ("- a\n- b\n", "the file"),
    "a text": ("hello\n", "the file"),
    "arms as text": ("arms: many\n", "arms"),
    "not YAML": ("arms: [\n", "is not YAML"),
    "a tab": ("arms:\n\t- model: x\n", "line 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_names_itself_the_field_and_what_was_wrong(tmp_path: Path, case: str) -> None:
    text, expected = BAD[case]
    with pytest.raises(StartupFailed) as caught:
        loaded(tmp_path, text)
    assert expected in caught.value.problem
    assert "models.yaml" in caught.value.problem
    assert caught.value.advice
    assert "sk-" not in str(caught.value)


def test_the_names_of_the_keys_are_known_without_their_values() -> None:
    assert key_variables(SHIPPED) == set(KEYS)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(StartupFailed, match="cannot be read"):
        load_models(tmp_path / "none.yaml", {})
    with pytest.raises(StartupFailed, match="cannot be read"):
        load_models(tmp_path, {})
    (tmp_path / "bin.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(StartupFailed, match="UTF-8"):
        load_models(tmp_path / "bin.yaml", {})
