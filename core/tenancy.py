"""Who a call is for. Every message carries one of these; there is no default tenant."""

from dataclasses import dataclass

from core.errors import TenantRequired

MAX_KEY_CHARS = 200


@dataclass(frozen=True, slots=True)
class TenantContext:
    """A tenant (a Discord guild), a workspace in it, and the user who asks.

    Raises TenantRequired where tenant or workspace is empty or longer than `MAX_KEY_CHARS`.
    """

    tenant: str
    workspace: str
    user: str = ""

    def __post_init__(self) -> None:
        for name, value in (("tenant", self.tenant), ("workspace", self.workspace)):
            if not isinstance(value, str) or not value.strip():
                raise TenantRequired(f"The call names no {name}.", f"Pass the {name} that it is for.")
            if len(value) > MAX_KEY_CHARS:
                raise TenantRequired(f"The {name} is longer than {MAX_KEY_CHARS} characters.", "Use its id.")
