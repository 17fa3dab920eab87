"""The application that `serve deploy config/serve.yaml` builds, without a cluster."""

import pickle
from pathlib import Path

import pytest
import yaml
from ray import cloudpickle
from ray.serve import Application

from config.configuration import load_configuration
from config.settings import Settings
from deployments import app
from deployments.entities import entities
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig, LimiterCounts

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


# ---------------------------------------------------------------- limits
def settings(**variables: str) -> Settings:
    return load_configuration(variables, None).settings


def test_limits_only_watch_until_their_flag_is_set_and_people_are_told() -> None:
    assert app.limiter_config(settings()).enforce is False
    assert app.limit_notes(settings()) == ("Limits on requests and spending only watch for now: they refuse nothing.",)
    paced = settings(ENABLE_DISTRIBUTED_RATE_LIMITING="1", RATE_UNREACHABLE="closed")
    assert app.limiter_config(paced) == LimiterConfig(enforce=True, unreachable="closed")
    assert app.limit_notes(paced) == ("Limits on spending only watch for now: they refuse nothing.",)
    assert app.limit_notes(settings(ENABLE_DISTRIBUTED_RATE_LIMITING="1", ENABLE_BUDGETS="1")) == ()


@pytest.mark.parametrize(
    ("variables", "goes_on"),
    [
        ({"ENABLE_BUDGETS": "1"}, False),
        ({"ENABLE_BUDGETS": "1", "BUDGET_UNREACHABLE": "open"}, True),
        ({"BUDGET_UNREACHABLE": "closed"}, True),
    ],
)
def test_without_its_ledger_money_is_spent_only_where_it_is_set_so_or_limits_only_watch(
    variables: dict[str, str], goes_on: bool
) -> None:
    assert app.spending_config(settings(**variables)).open_when_unreachable is goes_on


@pytest.mark.parametrize("deadline_s", ["0.5", "60", "600"])
def test_the_ledger_takes_little_of_an_answers_time_and_a_reservation_outlives_it(deadline_s: str) -> None:
    spending = app.spending_config(settings(ANSWER_DEADLINE_S=deadline_s))
    assert spending.wait_s <= 0.1 * float(deadline_s)
    assert float(deadline_s) + spending.wait_s < float(deadline_s) + app.GRACE_S
    assert spending.ttl_s > float(deadline_s) + app.GRACE_S


def test_the_pipeline_reserves_nothing_where_no_model_is_configured() -> None:
    assert app.pipeline_config(settings(), paid_models=False).paid_models is False
    assert app.pipeline_config(settings(), paid_models=True).spending == app.spending_config(settings())


def test_what_the_deployments_hold_of_the_entities_travels_to_a_replica(tmp_path: Path) -> None:
    durable = entities(settings(DATA_DIR=str(tmp_path)))
    pace = LeasedLimiter(durable.limiter, app.limiter_config(settings()))
    # Not used here: the first call would start Ray.
    arrived, *kinds = pickle.loads(cloudpickle.dumps([pace, *durable.kinds()]))  # type: ignore[no-untyped-call]
    names = ["RateLimiter", "BudgetLedger", "ActivityLog", "HostPace", "IngestQueue", "ChannelFollower"]
    assert [kind.name for kind in kinds] == names
    assert arrived.counts() == LimiterCounts()
