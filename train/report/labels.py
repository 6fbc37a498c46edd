"""How well each label is recognised, as a section of a training's report."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from rtaction.evaluation.classification import Classification
from rtaction.evaluation.estimate import Estimate
from rtaction.evaluation.several_labels import THRESHOLD, SeveralLabels, ap_text, exact_text
from rtaction.evaluation.text import NOT_DEFINED, counted, interval_text, percent
from rtaction.train.report.page import table, tag

_MOST_PAIRS = 5


def several_section(name: str, clips: SeveralLabels) -> Element:
    """Average precision, F1, recall and precision of each label, where clips may have several.

    Args:
        name: of the set, such as "validation".
        clips: its clips.
    """
    rows = [
        (
            label,
            str(one.num_true),
            ap_text(clips.average_precisions[label]),
            _with_interval(one.f1),
            _with_interval(one.recall),
            _with_interval(one.precision),
        )
        for label, one in clips.by_label.items()
    ]
    head = ("label", "clips", "average precision", "F1", "recall", "precision")
    return tag(
        "section",
        tag("h2", f"Labels, on {name}"),
        tag(
            "p",
            "Each label has a score of its own, and a clip may have several labels, or none. "
            "Average precision: how well the scores put the clips that have the label before the "
            f"others. F1, recall and precision: at a threshold of {THRESHOLD:g}. In brackets: 95 % "
            f"intervals. {exact_text(clips, 'clip').capitalize()}.",
            class_="soft",
        ),
        table(head, rows, class_="labels", numbers_from=1),
    )


def labels_section(name: str, clips: Classification) -> Element:
    """Precision and recall of each label, the most frequent confusions, and the confusion matrix.

    Args:
        name: of the set, such as "validation".
        clips: its clips.
    """
    # Lowest recall first; labels without clips last.
    by_recall = sorted(
        clips.by_label.items(),
        key=lambda pair: (not pair[1].recall.is_defined, pair[1].recall.value),
    )
    rows = [
        (label, str(one.num_true), _with_interval(one.recall), _with_interval(one.precision))
        for label, one in by_recall
    ]
    confused = [
        tag(
            "li",
            f"“{one.true_label}” was predicted as “{one.predicted_label}” in {one.count} of "
            f"{counted(one.num_true, 'clip')}.",
        )
        for one in clips.confused_pairs(_MOST_PAIRS)
    ]
    words = tag("ul", *confused) if confused else tag("p", "No two labels were confused.")
    return tag(
        "section",
        tag("h2", f"Labels, on {name}"),
        tag(
            "p",
            "The label with the lowest recall comes first. Recall: the share of its clips that "
            "were predicted as it. Precision: the share of the clips predicted as it that have it "
            "as their true label. In brackets: 95 % intervals.",
            class_="soft",
        ),
        table(("label", "clips", "recall", "precision"), rows, class_="labels", numbers_from=1),
        tag("h3", "Confused most"),
        words,
        tag("h3", "Confusion"),
        _confusion(clips),
    )


def _confusion(clips: Classification) -> Element:
    labels, confusion = clips.labels, clips.confusion
    body = tag("tbody")
    for number, label in enumerate(labels):
        line = tag("tr", tag("th", label, scope="row", title=label))
        for predicted, count in enumerate(confusion[number].tolist()):
            cell = tag("td", str(count) if count else "")
            if count:
                cell.set("style", f"--share: {count / confusion[number].sum():.2f}")
            if predicted == number:
                cell.set("class", "right")
            line.append(cell)
        body.append(line)
    heads = [tag("th", label, scope="col", title=label) for label in labels]
    top = tag("thead", tag("tr", tag("th", "true ↓, predicted →", scope="col"), *heads))
    return tag("div", tag("table", top, body, class_="confusion"), class_="wide")


def _with_interval(estimate: Estimate) -> Element:
    if not estimate.is_defined:
        return tag("span", NOT_DEFINED)
    interval = tag("span", f"({interval_text(estimate)})", class_="interval")
    return tag("span", f"{percent(estimate.value)} ", interval)
