"""How far a network's scores are from probabilities, before and after calibration."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from rtaction.evaluation import temperature as core
from rtaction.train.report.judged_clips import JudgedClips
from rtaction.train.report.page import table, tag

_AS_TRAINED = "The scores are those of the network as it was trained."
_WHAT_IT_IS = (
    "Expected calibration error: how far the score of a clip is from the share of such clips that "
    "are predicted correctly."
)


def at_temperature(judged: JudgedClips, temperature: float) -> JudgedClips:
    """The clips with the scores that the network gives with its logits divided by a temperature."""
    divided = core.at_temperature if judged.several is None else core.each_at_temperature
    return JudgedClips(judged.clips, divided(judged.scores, temperature))


def calibration_errors(judged: JudgedClips, temperature: float) -> dict[str, float]:
    """The expected calibration error by clip, "before" and "after".

    Args:
        judged: clips with the scores of the calibrated network.
        temperature: that its logits are divided by.
    """
    before = at_temperature(judged, 1 / temperature)
    return {
        "before": before.calibration.error.value,
        "after": judged.calibration.error.value,
    }


def calibration_text(judged: JudgedClips, name: str, temperature: float) -> str:
    """A line about it for the terminal."""
    errors = calibration_errors(judged, temperature)
    if temperature == 1:
        return f"expected calibration error on {name}: {errors['after']:.3f}"
    return (
        f"expected calibration error on {name}: {errors['before']:.3f}, and {errors['after']:.3f} "
        f"with a temperature of {temperature:.2f}"
    )


def calibration_section(judged: Mapping[str, JudgedClips], temperature: float) -> Element:
    """A section of the report.

    Args:
        judged: clips that were not trained on, by the name of their set.
        temperature: that the network's logits are divided by.
    """
    how = _AS_TRAINED
    if temperature != 1:
        how = (
            f"The logits are divided by a temperature of {temperature:.2f}, which was fitted on "
            "the validation clips and is part of the network: above 1 its scores were too sure of "
            "themselves, below 1 not sure enough."
        )
    rows = []
    for name, one in judged.items():
        errors = calibration_errors(one, temperature)
        rows.append((name, f"{errors['before']:.3f}", f"{errors['after']:.3f}"))
    return tag(
        "section",
        tag("h2", "Scores as probabilities"),
        tag("p", f"{how} {_WHAT_IT_IS}", class_="soft"),
        table(("set", "error before", "error after"), rows, class_="calibration", numbers_from=1),
    )
