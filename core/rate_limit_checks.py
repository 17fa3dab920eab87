"""What a rate limiter takes: which keys, users, amounts and limits are such, and which are refused as bad input."""

from core.entities import checked_key
from core.errors import BadInput
from core.token_buckets import Limits, Rate

SCOPES = ("tenant", "host")
MAX_USER_CHARS = 200
MAX_TOKENS = 1e12
# One token in 30 years. Slower is closed: below this, sums of seconds lose what is added to them.
MIN_PER_S = 1e-9


def checked_scope(key: str) -> str:
    """The scope of `key`, "tenant" or "host". Raises BadInput where it is neither's."""
    name = checked_key(key)
    for scope in SCOPES:
        if name.startswith(f"{scope}:") and name[len(scope) + 1 :].strip():
            return scope
    raise BadInput(f"{name[:40]!r} has no rate limit.", 'A key is "tenant:<id>" or "host:<name>".')


def checked_user(user: str) -> str:
    """`user`, if it is an id or empty. Raises BadInput."""
    if not isinstance(user, str) or len(user) > MAX_USER_CHARS or not user.isprintable():
        raise BadInput(f"A user's id is at most {MAX_USER_CHARS} characters that can be shown.", "Pass the id.")
    return user


def checked_amount(name: str, amount: float, least: float | None = None, most: float = MAX_TOKENS) -> float:
    """`amount` as a float: from `least` to `most`, or above 0 where no `least` is given. Raises BadInput."""
    number = isinstance(amount, int | float) and not isinstance(amount, bool)
    # Not the other way round: NaN is neither above nor below anything.
    if not number or not (amount > 0 if least is None else amount >= least) or not amount <= most:
        lowest = "above 0" if least is None else f"at least {least:g}"
        problem = f"The {name} {str(amount)[:40]} is no number {lowest} and at most {most:g}."
        raise BadInput(problem, "Correct the call.")
    return float(amount)


def checked_lease(lease_id: int) -> int:
    """`lease_id`, if it may be one. Raises BadInput."""
    if type(lease_id) is not int or lease_id < 0:
        raise BadInput(f"{str(lease_id)[:40]!r} is no lease.", "Pass the id that came with it.")
    return lease_id


def checked_limits(limits: Limits) -> Limits:
    """`limits` with rates that are numbers. Raises BadInput."""
    return Limits(*(rate and _checked_rate(rate) for rate in (limits.total, limits.user)))


def _checked_rate(rate: Rate) -> Rate:
    per_s = checked_amount("rate", rate.per_s, least=0.0 if rate.per_s == 0 else MIN_PER_S)
    return Rate(per_s, checked_amount("burst", rate.burst, least=1.0 if per_s else 0.0))
