"""The settings: what is read, what is refused and with which words, and the generated `.env.example`."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from config.environment import example_env, read_variables, secrets_of, variables_of
from config.flags import Enable
from config.settings import VARIABLES, Settings, load
from core.errors import StartupFailed

ROOT = Path(__file__).parents[2]
ROOMS = ("actors", "agents", "bot", "core", "demo", "deployments", "evals")


def refusal(env: dict[str, str], dotenv: Path | None = None, also_known: tuple[str, ...] = ()) -> str:
    with pytest.raises(StartupFailed) as caught:
        load(env, dotenv, also_known)
    return str(caught.value)


def test_without_variables_everything_is_at_its_default() -> None:
    assert load({}, None) == Settings()


def test_a_variable_is_named_after_its_path_in_the_tree() -> None:
    settings = load(
        {
            "API_PORT": "9001",
            "DISCORD_API_URL": "http://127.0.0.1:1/api",
            "ANSWER_MAX_QUESTION_CHARS": " 500 ",
            "INGEST_ALLOW_LOOPBACK": "true",
            "API_KEYS": '{"key": "tenant"}',
            "LOG_LEVEL": "info",
        },
        None,
    )
    assert settings.api.port == 9001
    assert settings.discord.api_url == "http://127.0.0.1:1/api"
    assert settings.answer.max_question_chars == 500
    assert settings.ingest.allow_loopback is True
    assert settings.api.keys == {"key": "tenant"}
    assert settings.log.level == "INFO"


def test_the_environment_is_laid_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text('export API_PORT=9001\nLOG_LEVEL="ERROR"\nDATA_DIR=${HOME}/bot\n', encoding="utf-8")
    settings = load({"API_PORT": "9002", "HOME": "/nowhere"}, dotenv)
    assert settings.api.port == 9002
    assert settings.log.level == "ERROR"
    assert settings.data.dir == Path("${HOME}/bot")


def test_the_process_environment_is_read_by_load_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PORT", "9003")
    monkeypatch.setenv("DATA", "a variable of somebody else")
    assert load(dotenv=None).api.port == 9003
    assert Settings().api.port == 8000


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load({"API_PORT": "", "DISCORD_TOKEN": "  "}, None) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_PORT", "eighty"),
        ("API_PORT", "70000"),
        ("ANSWER_DEADLINE_S", "0"),
        ("ENABLE_PROMPT_COMPRESSION", "perhaps"),
        ("LOG_LEVEL", "loud"),
        ("EMBEDDING_BACKEND", "gpu"),
        ("BUDGET_DAY_USD", "-1"),
        ("BUDGET_MONTH_USD", "NaN"),
        ("RATE_TENANT_PER_S", "0"),
        ("RATE_USER_BURST", "inf"),
        ("BUDGET_UNREACHABLE", "maybe"),
    ],
)
def test_a_bad_value_is_told_with_its_variable_and_an_example(name: str, value: str) -> None:
    text = refusal({name: value})
    assert f"{name} is '{value}'" in text
    assert f"Example: {name}={VARIABLES[name].example}" in text


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("API_PROT=1\n", encoding="utf-8")
    text = refusal({"ENABLE_NOTHING": "1", "LOG_LEVEL": "loud", "ANSWER_PASSAGES": "many"}, dotenv)
    assert all(name in text for name in ("API_PROT", "ENABLE_NOTHING", "LOG_LEVEL", "ANSWER_PASSAGES"))
    assert ".env.example" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATE_TENANTS", '{"guild": {"per_s": -1, "burst": 5}}'),
        ("RATE_TENANTS", '{"guild": {"per_s": 1}}'),
        ("RATE_TENANTS", '{"": {"per_s": 1, "burst": 5}}'),
        ("BUDGET_TENANTS", '{"guild": {"day_usd": "ten"}}'),
        ("BUDGET_TENANTS", '{"guild": {"week_usd": 1}}'),
        ("BUDGET_TENANTS", "{"),
    ],
)
def test_limits_of_one_tenant_that_are_none_are_told_with_an_example(name: str, value: str) -> None:
    assert f"{name} cannot be used: It should be JSON like the example. Example: {name}={{" in refusal({name: value})


def test_a_journal_that_keeps_nothing_is_refused_without_its_password() -> None:
    for url in ("mysql://bot:hunter2@db.example/bot", "sqlite://", "hunter2"):
        text = refusal({"JOURNAL_URL": url})
        assert "JOURNAL_URL cannot be used: It should begin with postgresql:// or sqlite:///." in text
        assert "hunter2" not in text


def test_money_is_exact() -> None:
    settings = load({"BUDGET_DAY_USD": "0.1", "BUDGET_TENANTS": '{"guild": {"day_usd": 0.1}}'}, None)
    assert settings.budget.day_usd == settings.budget.tenants["guild"].day_usd == Decimal("0.1")


@pytest.mark.parametrize("value", ["hunter2", '["hunter2"]', '{"hunter2": 5}', '{"hunter2"'])
def test_a_secret_is_not_repeated_in_an_error(value: str) -> None:
    text = refusal({"API_KEYS": value})
    assert "API_KEYS" in text
    assert "hunter2" not in text
    assert 'API_KEYS={"' in text


def test_a_secret_is_not_shown_by_the_tree() -> None:
    journal = {"JOURNAL_URL": "postgresql://bot:hunter5@db.example/bot"}
    settings = load(
        {"DISCORD_TOKEN": "hunter2", "API_KEYS": '{"hunter3": "1"}', "STORE_API_KEY": "hunter4", **journal}, None
    )
    assert "hunter" not in repr(settings)
    assert "hunter" not in str(settings)
    assert secrets_of(settings) == {"hunter2", "hunter3", "hunter4", *journal.values()}
    assert secrets_of(Settings()) == frozenset()


def test_every_key_and_token_is_kept_secret() -> None:
    for variable in VARIABLES.values():
        # BUDGET_DAY_TOKENS are a count.
        if re.search(r"KEY|TOKEN(?!S$)|SECRET|PASSWORD|JOURNAL_URL", variable.name):
            assert variable.secret, variable.name
            assert not variable.showable


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("API_PROT", "API_PORT"),
        ("DISCORD_TOKENS", "DISCORD_TOKEN"),
        ("DISCROD_TOKEN", "DISCORD_TOKEN"),
        ("ENABLE_PROMPT_COMPRESION", "ENABLE_PROMPT_COMPRESSION"),
        ("ENABEL_PROMPT_COMPRESSION", "ENABLE_PROMPT_COMPRESSION"),
        ("INGEST_MAX_RECORDING", "INGEST_MAX_RECORDINGS"),
    ],
)
def test_a_misspelt_variable_is_refused_wherever_it_stands(name: str, meant: str, tmp_path: Path) -> None:
    assert f"{name} is not a setting. Did you mean {meant}?" in refusal({name: "1"})
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{name}=1\n", encoding="utf-8")
    assert f"{name} in .env is not a setting. Did you mean {meant}?" in refusal({}, dotenv)


def test_an_unknown_flag_is_refused() -> None:
    assert "ENABLE_SEMANTIC_QUEUE is not a setting" in refusal({"ENABLE_SEMANTIC_QUEUE": "1"})


@pytest.mark.parametrize(
    "name",
    [
        *("API_KEY", "API_URL", "API", "LOG_FILE", "LOGLEVEL", "LOG", "DATA", "TRIM", "PATH", "RAY_ADDRESS"),
        *("STRIPE_API_KEY", "OPENAI_API_KEY", "LANGSMITH_TRACING", "DISCORD_WEBHOOK_URL"),
        *("CLUSTER_NAME", "STORE_NAME", "MODELS_DIR"),
    ],
)
def test_variables_of_other_programs_are_let_through(name: str) -> None:
    assert load({name: "anything"}, None) == Settings()


def test_dotenv_holds_our_variables_and_the_models_keys_only(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("OPENAI_API_KEY=made-up\n", encoding="utf-8")
    assert "OPENAI_API_KEY in .env is not a setting" in refusal({}, dotenv)
    assert load({}, dotenv, also_known=["OPENAI_API_KEY"]) == Settings()
    assert read_variables({"A": "1", "B": " "}, dotenv) == {"OPENAI_API_KEY": "made-up", "A": "1"}


def test_a_dotenv_that_is_not_text_ends_the_start(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"API_PORT=\xff\xfe\n")
    assert f"{dotenv} cannot be read: it is not UTF-8 text" in refusal({}, dotenv)


def test_no_dotenv_is_no_problem(tmp_path: Path) -> None:
    assert load({}, tmp_path / "absent") == Settings()


def test_the_tree_is_frozen_and_closed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.api.port = 1
    with pytest.raises(ValidationError):
        Settings.model_validate({"api": {"prot": 1}})


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text(max_size=30), max_size=4))
def test_whatever_the_values_it_loads_or_says_which_variable(env: dict[str, str]) -> None:
    try:
        assert isinstance(load(env, None), Settings)
    except StartupFailed as failed:
        told = set(re.findall(r"^  - ([A-Z_]+)", str(failed), re.MULTILINE))
        assert told
        assert told <= set(env)


def test_every_variable_is_described_with_an_example_that_loads() -> None:
    for variable in VARIABLES.values():
        assert variable.field.description, variable.name
        assert variable.example, variable.name
        assert load({variable.name: variable.example}, None), variable.name


def test_the_example_file_is_the_one_that_the_settings_make() -> None:
    committed = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert committed == example_env(Settings), "Run `make docs`."


def test_the_example_file_loads_with_every_line_taken_in(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(re.sub(r"^#(?=[A-Z])", "", example_env(Settings), flags=re.MULTILINE), encoding="utf-8")
    assert load({}, dotenv) == Settings()


def test_every_flag_is_off_and_does_something() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    for flag in (variable for variable in variables_of(Settings) if variable.group == "enable"):
        assert getattr(Enable(), flag.key) is False, f"{flag.name} must be off by default"
        assert re.search(rf"\benable\.{flag.key}\b", code), f"{flag.name} is read by nothing: the flag would do nothing"


def test_a_secret_stays_usable() -> None:
    assert load({"DISCORD_TOKEN": "made-up"}, None).discord.token == SecretStr("made-up")
