"""The report on a taught model: accuracy, confused labels, and advice.

All results are on held-out takes: each is predicted by a fit that was not trained on its group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rtaction.evaluation.classification import Classification
from rtaction.evaluation.estimate import Estimate, clusters_of
from rtaction.evaluation.text import accuracy_text, counted, percent
from rtaction.features.pose_choice import POSE
from rtaction.model_spec import ModelSpec
from rtaction.teach.learning import BACKGROUND, JudgedTake, TaughtModel

_MOST_PAIRS = 3
_MANY_TAKES = 20


@dataclass(frozen=True, slots=True)
class TeachResult:
    """A taught model; printed, it says how good it is, and what would make it better.

    Args:
        model: its ONNX file.
        taught: what was learnt, and of which takes.
    """

    model: Path
    taught: TaughtModel = field(repr=False)

    @property
    def spec(self) -> ModelSpec:
        """The model's contract: labels and timing."""
        return self.taught.spec

    @property
    def accuracy(self) -> Estimate:
        """Share of the takes that are named rightly by a fit that was not trained on their group;
        its value is nan if no label has two takes."""
        return classification_of(self.taught.takes, self.spec.labels).accuracy

    def __str__(self) -> str:
        return "\n".join([*report_lines(self.taught), f"the model: {self.model}"])


def classification_of(takes: Sequence[JudgedTake], labels: tuple[str, ...]) -> Classification:
    """True and predicted labels of the takes that could be judged."""
    judged = [(take, take.predicted) for take in takes if take.predicted is not None]
    return Classification.from_names(
        labels,
        [take.video.label for take, _ in judged],
        [predicted for _, predicted in judged],
        clusters_of([take.video.group for take, _ in judged]),
    )


def report_lines(taught: TaughtModel) -> list[str]:
    """The report, line by line."""
    spec, takes = taught.spec, taught.takes
    counts = Counter(take.video.label for take in takes)
    listed = ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
    judged = classification_of(takes, spec.labels)
    lines = [
        *(f"left out: {reason}" for reason in taught.skipped),
        f"trained on {counted(len(takes), 'take')}: {listed}",
        *([f"joints cannot be used: {taught.why_no_joints}"] if taught.why_no_joints else []),
        _input_text(spec),
        accuracy_text(judged.accuracy, counted(len(judged), "take"))
        if len(judged)
        else "accuracy cannot be measured: that needs two takes of a label",
    ]
    advised: set[frozenset[str]] = set()
    for one in judged.confused_pairs(_MOST_PAIRS):
        lines.append(
            f"{one.true_label} was predicted as {one.predicted_label} in {one.count} of "
            f"{counted(one.num_true, 'take')}"
        )
        pair = frozenset((one.true_label, one.predicted_label))
        if pair not in advised or BACKGROUND in pair:
            lines.append(f"  {_advice(one.true_label, one.predicted_label)}")
        advised.add(pair)
    alone = sorted({take.video.label for take in takes if take.predicted is None})
    if alone:
        lines.append(f"not judged, as there is only one take of it: {', '.join(alone)}")
    if len(takes) < _MANY_TAKES:
        lines.append("  few takes: ten of each label give a better model and a better estimate")
    if spec.background_label is None:
        lines.append(
            f'no label "{BACKGROUND}": every window gets one of these labels; record takes of '
            f"standing, walking and scratching, labelled {BACKGROUND}"
        )
    return lines


def _input_text(spec: ModelSpec) -> str:
    if spec.modality == POSE:
        count = counted(spec.frames_per_clip, "picture")
        return f"input: the joints of people, {count} in {spec.window_seconds:.1f} s"
    return f"input: {spec.modality}, {spec.frames_per_clip} frames in {spec.window_seconds:.1f} s"


def result_shown(taught: TaughtModel) -> tuple[str, list[str]]:
    """How good a model is, for the window: a title, and a few short lines."""
    judged = classification_of(taught.takes, taught.spec.labels)
    if not len(judged):
        return "learned", ["how well cannot be measured: that needs two takes of a label"]
    accuracy = judged.accuracy
    title = f"learned: {percent(accuracy.value, digits=0)} of takes right"
    num_right = round(accuracy.value * len(judged))
    lines = [
        f"{num_right} of {counted(len(judged), 'take')} it was not trained on; with others, "
        f"{percent(accuracy.low, digits=0)} to {percent(accuracy.high, digits=0)}"
    ]
    mixed = judged.confused_pairs(_MOST_PAIRS)
    lines += [
        f"{one.true_label} taken for {one.predicted_label}: {one.count} of {one.num_true}"
        for one in mixed
    ]
    if not mixed:
        lines.append("no label was taken for another")
    if mixed:
        lines.append(f"more takes of {mixed[0].true_label} would help most")
    return title, lines


def _advice(true_label: str, predicted_label: str) -> str:
    if true_label == BACKGROUND:
        return f'record more "{BACKGROUND}" takes that look like {predicted_label} but are not'
    if predicted_label == BACKGROUND:
        return (
            f"record more takes of {true_label}, nearer to the camera and in full from start to "
            f'end; and check that no "{BACKGROUND}" take shows it'
        )
    return (
        f"record more takes of both, at other distances and places; if {true_label} and "
        f"{predicted_label} look alike to you too, do one of them in another way"
    )
