"""Intervals of shares."""


def wilson(count: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval of a share, `count` of `of`, at 95 % by default (E. B. Wilson, JASA 22, 1927), to four digits."""
    share, extra = count / of, z * z / of
    middle, half = share + extra / 2, z * ((share * (1 - share) + extra / 4) / of) ** 0.5
    return round(max(0.0, (middle - half) / (1 + extra)), 4), round(min(1.0, (middle + half) / (1 + extra)), 4)
