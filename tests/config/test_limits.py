"""What the settings of limits and the journal come to."""

from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from actors.runtime_journal_database import Database
from config.settings import Settings, load
from core.budget_messages import BudgetLimits
from core.spending import Limit
from core.token_buckets import Limits, Rate


def settings(**variables: str) -> Settings:
    return load(variables, None)


def test_without_a_url_the_journal_is_a_file_in_the_data_folder() -> None:
    for folder in ("var", "/srv/a b", "/srv/50%", "/srv/what?", "/srv/#1", "/srv/ü"):
        url = settings(DATA_DIR=folder).journal_url
        assert Database(url).file == Path(folder).absolute() / "journal" / "journal.db"
    named = "postgresql://bot:made-up@db.example/bot"
    assert settings(JOURNAL_URL=named).journal_url == named


def test_rates_are_those_of_the_settings_and_of_a_tenant_its_own() -> None:
    rate = settings(RATE_TENANT_PER_S="4", RATE_USER_BURST="7", RATE_TENANTS='{"a": {"per_s": 0, "burst": 1}}').rate
    user = Rate(1.0, 7.0)
    assert rate.limits() == Limits(Rate(4.0, 20.0), user)
    assert rate.limits_of_tenants() == {"tenant:a": Limits(Rate(0.0, 1.0), user)}


def test_without_settings_money_is_limited_and_tokens_are_not() -> None:
    budget = settings().budget
    assert budget.limits() == BudgetLimits(Limit(Decimal(1)), Limit(Decimal(10)), Limit(Decimal(100)))
    assert budget.limits_of_tenants() == {}


def test_what_a_tenant_leaves_out_is_as_for_all() -> None:
    budget = settings(
        BUDGET_DAY_TOKENS="5000", BUDGET_MONTH_USD="70.5", BUDGET_TENANTS='{"a": {"day_usd": 0}, "b": {}}'
    ).budget
    everybody = BudgetLimits(Limit(Decimal(1)), Limit(Decimal(10), 5000), Limit(Decimal("70.5")))
    assert budget.limits() == everybody
    assert budget.limits_of_tenants() == {
        "a": BudgetLimits(Limit(Decimal(1)), Limit(Decimal(0), 5000), Limit(Decimal("70.5"))),
        "b": everybody,
    }


MONEY = st.decimals(0, 1000, places=4)


@given(MONEY, MONEY, st.integers(0, 10**9))
def test_whatever_can_be_set_is_a_limit_that_the_ledger_takes(day: Decimal, month: Decimal, tokens: int) -> None:
    budget = settings(BUDGET_DAY_USD=f"{day}", BUDGET_MONTH_USD=f"{month}", BUDGET_DAY_TOKENS=f"{tokens}").budget
    for limit in (budget.limits().request, budget.limits().day, budget.limits().month):
        limit.check("limit")
    assert budget.limits().day == Limit(day, tokens)
