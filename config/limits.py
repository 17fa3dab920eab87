"""The settings of what is kept and of what is limited: the journal, rates, budgets and the activity log."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from config.environment import Group
from core.budget_messages import BudgetLimits
from core.spending import Limit
from core.token_buckets import Limits
from core.token_buckets import Rate as TokenRate

TenantId = Annotated[str, StringConstraints(min_length=1, max_length=193, strip_whitespace=True)]
Usd = Annotated[Decimal, Field(ge=0, le=1_000_000_000, decimal_places=12)]
Tokens = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
PerSecond = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Burst = Annotated[float, Field(ge=1, le=1_000_000_000, allow_inf_nan=False)]


class _Own(BaseModel):
    """What one tenant has in place of the settings that hold for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Journal(Group):
    url: SecretStr | None = Field(
        default=None,
        description="The PostgreSQL database of the journal. Empty: SQLite in DATA_DIR, for one machine.",
        examples=["postgresql://bot:made-up@db.example/bot"],
    )
    shards: int = Field(
        default=1,
        ge=1,
        le=1_024,
        description="Shards that a kind of entity is first spread over; resharding changes it later.",
        examples=[4],
    )
    keep_days: int = Field(
        default=30, ge=1, le=3_650, description="How far back time travel goes, in days.", examples=[30]
    )

    @field_validator("url")
    @classmethod
    def _keeps_what_is_written(cls, url: SecretStr | None) -> SecretStr | None:
        schemes = ("postgresql://", "postgresql+psycopg://", "sqlite:///")
        if url is None or url.get_secret_value().startswith(schemes):
            return url
        raise PydanticCustomError("journal", "It should begin with postgresql:// or sqlite:///")


class OwnRate(_Own):
    """A tenant's own bucket. `per_s` 0: closed."""

    per_s: PerSecond
    burst: Burst


class Rate(Group):
    tenant_per_s: float = Field(
        default=10.0,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Requests that a tenant's members together may make each second, in the long run.",
        examples=[10],
    )
    tenant_burst: float = Field(
        default=20.0,
        ge=1,
        le=1_000_000_000,
        allow_inf_nan=False,
        description="Requests that a tenant's members together may make at once.",
        examples=[20],
    )
    user_per_s: float = Field(
        default=1.0,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Requests that one member may make each second, in the long run.",
        examples=[1],
    )
    user_burst: float = Field(
        default=10.0,
        ge=1,
        le=1_000_000_000,
        allow_inf_nan=False,
        description="Requests that one member may make at once.",
        examples=[10],
    )
    unreachable: Literal["allowance", "closed"] = Field(
        default="allowance",
        description="While no limiter answers: a small allowance in each process, or nothing.",
        examples=["closed"],
    )
    tenants: dict[TenantId, OwnRate] = Field(
        default_factory=dict,
        description="Tenants with a rate and burst of their own, as JSON. A rate of 0 shuts a tenant out.",
        examples=['{"123456789": {"per_s": 50, "burst": 100}}'],
    )

    def limits(self) -> Limits:
        """Those of every tenant without its own."""
        return Limits(TokenRate(self.tenant_per_s, self.tenant_burst), TokenRate(self.user_per_s, self.user_burst))

    def limits_of_tenants(self) -> dict[str, Limits]:
        """Those of the others, by the limiter's key; their members are limited as everybody is."""
        user = self.limits().user
        own = self.tenants.items()
        return {f"tenant:{tenant}": Limits(TokenRate(rate.per_s, rate.burst), user) for tenant, rate in own}


class OwnBudget(_Own):
    """What differs for one tenant; what is left out is as for all."""

    request_usd: Usd | None = None
    day_usd: Usd | None = None
    month_usd: Usd | None = None
    request_tokens: Tokens | None = None
    day_tokens: Tokens | None = None
    month_tokens: Tokens | None = None


class Budget(Group):
    request_usd: Usd = Field(
        default=Decimal(1), description="Most that one answer may cost a tenant, in US dollars.", examples=["0.5"]
    )
    day_usd: Usd = Field(
        default=Decimal(10), description="Most that a tenant may spend in a day of UTC, in US dollars.", examples=[10]
    )
    month_usd: Usd = Field(
        default=Decimal(100),
        description="Most that a tenant may spend in a month of UTC, in US dollars.",
        examples=[100],
    )
    request_tokens: Tokens | None = Field(
        default=None, description="Most tokens for one answer. Empty: no limit.", examples=[200_000]
    )
    day_tokens: Tokens | None = Field(
        default=None, description="Most tokens for a tenant in a day of UTC. Empty: no limit.", examples=[2_000_000]
    )
    month_tokens: Tokens | None = Field(
        default=None, description="Most tokens for a tenant in a month of UTC. Empty: no limit.", examples=[50_000_000]
    )
    unreachable: Literal["closed", "open"] = Field(
        default="closed",
        description="While no ledger answers: answer without paid models (closed), or spend as if nothing was (open).",
        examples=["open"],
    )
    tenants: dict[TenantId, OwnBudget] = Field(
        default_factory=dict,
        description="Tenants with limits of their own, as JSON: request_usd, day_usd, month_usd, request_tokens, "
        "day_tokens, month_tokens. What is left out is as for all.",
        examples=['{"123456789": {"day_usd": 50, "month_usd": 500}}'],
    )

    def limits(self) -> BudgetLimits:
        """Those of every tenant without its own."""
        return BudgetLimits(
            Limit(self.request_usd, self.request_tokens),
            Limit(self.day_usd, self.day_tokens),
            Limit(self.month_usd, self.month_tokens),
        )

    def limits_of_tenants(self) -> dict[str, BudgetLimits]:
        """Those of the others, by tenant."""
        own = self.tenants.items()
        return {tenant: self.model_copy(update=budget.model_dump(exclude_none=True)).limits() for tenant, budget in own}


class Activity(Group):
    retention_days: int = Field(
        default=90,
        ge=1,
        le=3_650,
        description="Days for which answers, receipts and feedback are kept, where a tenant chose no other.",
        examples=[90],
    )
