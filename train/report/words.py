"""Numbers in words, as the report of a training tells them."""

from __future__ import annotations

from rtaction.evaluation.confidence import Estimate


def counted(number: int, what: str) -> str:
    """A number of things, such as "1 video" or "2 videos"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def percent(share: float) -> str:
    """A share, such as "83.3 %"."""
    return f"{100 * share:.1f} %"


def interval(figure: Estimate) -> str:
    """The interval of a share, such as "71.0 to 91.5 %"."""
    return f"{100 * figure.low:.1f} to {percent(figure.high)}"


def duration(seconds: float) -> str:
    """Such as "1 h 2 min 3 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than 1 s"
