"""How sure a taught model is, in words: what it was right on, what it mixes up, what would help.

Every take is judged by a fit that did not know it. This file knows nothing of videos.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from rtaction.evaluation.confidence import Estimate, share
from rtaction.teach.learning import BACKGROUND, JudgedTake, TaughtModel

_MOST_PAIRS = 3
_MANY_TAKES = 20


def accuracy_of(takes: tuple[JudgedTake, ...]) -> Estimate:
    """The share of takes named rightly by a fit that did not know them, and its 95 % interval."""
    judged = [take for take in takes if take.called is not None]
    groups = sorted({take.video.group for take in judged})
    hits = np.array([take.called == take.video.label for take in judged], bool)
    return share(hits, np.array([groups.index(take.video.group) for take in judged], np.intp))


def mixed_up(takes: tuple[JudgedTake, ...]) -> list[tuple[str, str, int]]:
    """Labels taken for others: (what it was, what it was called, how often), most first."""
    counts = Counter(
        (take.video.label, take.called)
        for take in takes
        if take.called is not None and take.called != take.video.label
    )
    return [(true, str(called), count) for (true, called), count in counts.most_common()]


def told(taught: TaughtModel) -> list[str]:
    """All of it, as lines for a person."""
    counts = Counter(take.video.label for take in taught.takes)
    spec = taught.spec
    listed = ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
    lines = [f"left out: {reason}" for reason in taught.skipped]
    lines += [
        f"learnt from {len(taught.takes)} takes: {listed}",
        f"it looks at {spec.modality}, {spec.frames_per_clip} pictures in "
        f"{spec.window_seconds:.1f} s",
        _accuracy_line(taught.takes),
    ]
    advised: set[frozenset[str]] = set()
    for true, called, count in mixed_up(taught.takes)[:_MOST_PAIRS]:
        lines.append(f"{true} was taken for {called} in {count} of {counts[true]} takes")
        pair = frozenset((true, called))
        if pair not in advised or BACKGROUND in pair:
            lines.append(f"  {_advice(true, called)}")
        advised.add(pair)
    alone = sorted({take.video.label for take in taught.takes if take.called is None})
    if alone:
        lines.append(f"not judged, as there is but one take of it: {', '.join(alone)}")
    if len(taught.takes) < _MANY_TAKES:
        lines.append("  few takes: ten of each label tell more, and teach more")
    if spec.background_label is None:
        lines.append(
            f'no label "{BACKGROUND}": whatever it sees will get one of these names; takes of '
            f"standing, walking and scratching, labelled {BACKGROUND}, cure that"
        )
    return lines


def _accuracy_line(takes: tuple[JudgedTake, ...]) -> str:
    figure = accuracy_of(takes)
    if not figure.is_defined:
        return "how sure it is cannot be told: that needs two takes of a label"
    right = round(figure.value * figure.count)
    return (
        f"right on {right} of {figure.count:.0f} takes that it had not seen: {figure.value:.0%} "
        f"(95 % interval {figure.low:.0%} to {figure.high:.0%})"
    )


def _advice(true: str, called: str) -> str:
    if true == BACKGROUND:
        return f'record more "{BACKGROUND}" takes that look like {called} and are not'
    if called == BACKGROUND:
        return (
            f"record more takes of {true}, nearer to the camera and in full from start to end; "
            f'and see that no "{BACKGROUND}" take shows it'
        )
    return (
        f"record more takes of both, at other distances and places; if {true} and {called} look "
        "alike to you too, do one of them in another way"
    )
