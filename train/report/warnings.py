"""Warnings about anything that makes the figures of a training less reliable than they look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rtaction.evaluation.estimate import FEW_CLUSTERS
from rtaction.evaluation.text import counted, percent
from rtaction.train.report.judged_clips import JudgedClips
from rtaction.train.settings.config import TrainConfig

_VERY_FEW_GROUPS = 5


def warnings_of(config: TrainConfig, judged: Mapping[str, JudgedClips]) -> Iterator[str]:
    """Sentences, the most serious first.

    Args:
        config: of the training.
        judged: clips that were not trained on, by the name of their set.
    """
    is_grouped = any(one.is_grouped for one in judged.values())
    if not is_grouped:
        yield (
            "No groups were given. Windows of one video are never on both sides of the split, but "
            "videos of one person, camera or take may be, and then these figures are too high for "
            "a new person or camera. The intervals treat each video as independent. If your paths "
            "show which videos belong together, use --group."
        )
    for name, one in judged.items():
        yield from _of_set(name, one, "group" if is_grouped else "video")
    if "test" not in judged:
        yield (
            "The epoch was chosen by the validation clips, so their figures are slightly "
            "optimistic. --test-fraction keeps clips aside for unbiased figures."
        )


def _of_set(name: str, judged: JudgedClips, unit: str) -> Iterator[str]:
    number = len(judged.groups)
    if number < _VERY_FEW_GROUPS:
        yield (
            f"The {name} set comes from {counted(number, unit)} only. That says little about any "
            f"other {unit}, and the intervals are much too narrow. Keep more aside, or record more."
        )
    elif number < FEW_CLUSTERS:
        yield (
            f"The {name} set comes from {counted(number, unit)}. With fewer than {FEW_CLUSTERS}, "
            "the intervals are somewhat too narrow."
        )
    absent = [
        label for number, label in enumerate(judged.clips.labels) if not judged.clips.num_of(number)
    ]
    if absent:
        yield f"The {name} set has no clips of {', '.join(absent)}; the figures leave these out."
    if judged.several is not None:
        return
    label, baseline = judged.by_clip.majority
    accuracy = judged.by_clip.accuracy
    if accuracy.low <= baseline:
        yield (
            f"Always predicting “{label}” has an accuracy of {percent(baseline)} on the {name} "
            f"clips, and the interval of the network's accuracy reaches down to "
            f"{percent(accuracy.low)}: this does not show that anything was learned."
        )
