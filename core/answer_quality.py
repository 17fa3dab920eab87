"""How good an answer was, as far as can be told without anybody's opinion: whether its quotes stand where it says."""

from collections.abc import Sequence

from core.messages import Claim


def grounded_share(claims: Sequence[Claim], dropped: int) -> float | None:
    """The share of an answer's quotes that stood in the transcripts, 0 to 1; `dropped` are those that did not.

    None for an answer that quotes nothing: that the transcripts do not say may be right or wrong.
    """
    stood = sum(len(claim.quotes) for claim in claims)
    return stood / (stood + dropped) if stood + dropped else None
