"""How each label did, and what it was taken for, as a section of a training's report."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from rtaction.evaluation.confidence import Estimate
from rtaction.train.judging.judged_clips import JudgedClips
from rtaction.train.report.page import table, tag
from rtaction.train.report.words import counted, percent


def labels_section(name: str, judged: JudgedClips) -> Element:
    """Figures of each label, what is mixed up, and the confusion matrix.

    Args:
        name: of the set, such as "validation".
        judged: its clips.
    """
    counts = {one.label: one.num_clips for one in judged.evaluation.labels}
    rows = [
        (
            one.label,
            str(counts[one.label]),
            _with_interval(one.recall),
            _with_interval(one.precision),
        )
        for one in judged.figures_of_labels()
    ]
    mixed = [
        tag(
            "li",
            f"“{one.label}” was called “{one.called}” in {one.num_clips} of "
            f"{counted(one.num_of_label, 'clip')}.",
        )
        for one in judged.confused_pairs()
    ]
    words = tag("ul", *mixed) if mixed else tag("p", "No label was taken for another.")
    return tag(
        "section",
        tag("h2", f"Labels, on {name}"),
        tag(
            "p",
            "The label that is missed most stands first. Recall: of the clips that show it, how "
            "many were called so. Precision: of the clips called so, how many show it. In "
            "brackets: 95 % intervals.",
            class_="soft",
        ),
        table(("label", "clips", "recall", "precision"), rows, class_="labels", numbers_from=1),
        tag("h3", "Mixed up most"),
        words,
        tag("h3", "Confusion"),
        _confusion(judged),
    )


def _confusion(judged: JudgedClips) -> Element:
    labels, confusion = judged.clips.labels, judged.evaluation.confusion
    body = tag("tbody")
    for number, label in enumerate(labels):
        line = tag("tr", tag("th", label, scope="row", title=label))
        for called, count in enumerate(confusion[number].tolist()):
            cell = tag("td", str(count) if count else "")
            if count:
                cell.set("style", f"--share: {count / confusion[number].sum():.2f}")
            if called == number:
                cell.set("class", "right")
            line.append(cell)
        body.append(line)
    heads = [tag("th", label, scope="col", title=label) for label in labels]
    top = tag("thead", tag("tr", tag("th", "shown ↓, called →", scope="col"), *heads))
    return tag("div", tag("table", top, body, class_="confusion"), class_="wide")


def _with_interval(figure: Estimate) -> Element:
    if not figure.is_defined:
        return tag("span", "-")
    ends = f"({100 * figure.low:.1f}-{100 * figure.high:.1f})"
    return tag("span", f"{percent(figure.value)} ", tag("span", ends, class_="interval"))
