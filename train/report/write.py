"""The report of a training, as one page: its accuracy, how certain that is, and its mistakes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from rtaction.evaluation.estimate import Estimate
from rtaction.evaluation.text import counted, interval_text, percent
from rtaction.installation import program
from rtaction.model_spec import ModelSpec
from rtaction.train.choices import is_own
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.report.calibration import calibration_section
from rtaction.train.report.judged_clips import JudgedClips
from rtaction.train.report.labels import labels_section, several_section
from rtaction.train.report.mistakes import mistakes_section
from rtaction.train.report.page import picture, prose, table, tag, write_page
from rtaction.train.report.plots import curve_svgs, for_dark, steps_of_rate
from rtaction.train.report.warnings import warnings_of
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.hardware import Hardware
from rtaction.train.settings.provenance import command_line, machine, versions
from rtaction.train.settings.run_folder import HistoryRow, epochs_of_refit


@dataclass(frozen=True, eq=False)
class Training:
    """Everything that the report contains.

    Args:
        config: the settings.
        spec: the contract of the network.
        model: path of the best network.
        history: all finished epochs, including those before a resume.
        training: the clips that were trained on.
        judged: clips that were not trained on: "validation", and possibly "test".
        num_weights: number of weights of the network.
        hardware: the devices that it was trained on.
        num_epochs_before: number of epochs finished before a resume. Default 0.
        seconds: duration of the epochs since then; None if there were none. Default None.
        needs_trust: whether the network has code of its own. Default False.
    """

    config: TrainConfig
    spec: ModelSpec
    model: Path
    history: Sequence[HistoryRow]
    training: ClipSet
    judged: Mapping[str, JudgedClips]
    num_weights: int
    hardware: Hardware
    num_epochs_before: int = 0
    seconds: float | None = None
    needs_trust: bool = False

    @property
    def best(self) -> HistoryRow:
        """The epoch whose network was kept."""
        return min(self.history, key=lambda row: row["val_loss"])


def write_report(training: Training, path: Path) -> None:
    """Write the page.

    Args:
        training: the training.
        path: .html file.

    Raises:
        OutputError: it cannot be written.
    """
    sections = [
        _headline(training),
        _curves(training),
        *(_labels(name, judged) for name, judged in training.judged.items()),
        calibration_section(training.judged, training.spec.temperature),
        *_mistakes(training.judged["validation"]),
        _settings(training),
        _origin(training),
        _next(training),
    ]
    title = f"Training of {counted(len(training.spec.labels), 'action')}"
    write_page(path, title, sections)


def _headline(training: Training) -> Element:
    config, spec = training.config, training.spec
    head = "" if is_own(config.network) else f"head {config.head}, "
    section = tag(
        "header",
        tag("h1", f"Training of {counted(len(spec.labels), 'action')}"),
        tag("p", _listed(spec.labels)),
        tag(
            "p",
            f"Network {config.network}, {head}{training.num_weights:,} weights. A "
            f"clip is {counted(spec.frames_per_clip, 'frame')} ({spec.modality}) of "
            f"{spec.width}x{spec.height} pixels over {spec.clip_seconds:g} s. Trained on "
            f"{_counts(training.training)}. {datetime.now().astimezone():%Y-%m-%d %H:%M}",
            class_="soft",
        ),
        tag("div", *_tiles(training.judged), class_="tiles"),
        *(tag("p", _about_set(name, judged)) for name, judged in training.judged.items()),
    )
    if config.refit:
        section.append(
            tag(
                "p",
                f"{training.model.name} was retrained on the videos of training and validation "
                f"together, for {counted(epochs_of_refit(config, training.history), 'epoch')}. The "
                "figures on validation are those of the previous network, which had not seen them.",
            )
        )
    for warning in warnings_of(config, training.judged):
        section.append(tag("div", prose(warning), class_="warning"))
    return section


def _labels(name: str, judged: JudgedClips) -> Element:
    if judged.several is not None:
        return several_section(name, judged.several)
    return labels_section(name, judged.by_clip)


def _mistakes(judged: JudgedClips) -> Iterator[Element]:
    if judged.several is None:  # no label is wrong in place of another
        yield mistakes_section(judged)


def _tiles(judged: Mapping[str, JudgedClips]) -> Iterator[Element]:
    for name, one in judged.items():
        for noun, what, accuracy, found in _accuracies(one):
            yield tag(
                "div",
                tag("span", f"{name}, {what} by {noun}"),
                tag("strong", percent(accuracy.value)),
                tag("span", f"95 % interval {interval_text(accuracy)}", class_="soft"),
                tag("span", f"on {counted(len(found), noun)}", class_="soft"),
                class_="tile",
            )


def _accuracies(judged: JudgedClips) -> Iterator[tuple[str, str, Estimate, Sized]]:
    if judged.several is not None:
        videos = judged.several.pooled(judged.clips.clip_videos)
        for noun, several in (("clip", judged.several), ("video", videos)):
            yield noun, "all labels right", several.exact, several
        return
    for noun, found in (("clip", judged.by_clip), ("video", judged.by_video)):
        yield noun, "accuracy", found.accuracy, found


def _about_set(name: str, judged: JudgedClips) -> str:
    skipped = judged.clips.num_skipped
    note = f" {counted(skipped, 'more video')} could not be used." if skipped else ""
    groups = ""
    if judged.is_grouped:
        groups = f" in {counted(len(judged.groups), 'group')} ({_listed(judged.groups)})"
    text = f"The {name} set holds {_counts(judged.clips)}{groups}, none of which was trained on."
    if judged.several is None:
        label, baseline = judged.by_clip.majority
        text += f" Always predicting “{label}” has an accuracy of {percent(baseline)} on the clips."
    return text + note


def _curves(training: Training) -> Element:
    history, best = training.history, training.best
    words = (
        f"The network of epoch {best['epoch']:.0f} of {len(history)} was kept: its validation "
        f"loss, {best['val_loss']:.3f}, is the lowest."
    )
    if best["epoch"] == len(history) == training.config.epochs:
        words += (
            " That was the last epoch, so more epochs may improve it: --resume with a larger "
            "--epochs."
        )
    steps = steps_of_rate(history)
    if steps:
        words += f" The learning rate was lowered from epoch {', '.join(map(str, steps))} on."
    charts = [
        tag(
            "figure",
            tag("figcaption", name.capitalize()),
            picture(svg, "image/svg+xml", text=f"{name} over the epochs", on_dark=for_dark(svg)),
        )
        for name, svg in curve_svgs(history).items()
    ]
    return tag("section", tag("h2", "Epochs"), prose(words), tag("div", *charts, class_="curves"))


def _settings(training: Training) -> Element:
    spec, config = training.spec, training.config
    contract = [
        (field.name, tag("code", _shown(getattr(spec, field.name)))) for field in fields(spec)
    ]
    chosen: list[tuple[str, Element]] = []
    left: list[tuple[str, Element]] = []
    for field in fields(config):
        value = getattr(config, field.name)
        row = (field.name, tag("code", _shown(value)))
        (left if value == field.default else chosen).append(row)
    return tag(
        "section",
        tag("h2", "Contract and settings"),
        tag("h3", "Contract: inputs and outputs of the network (model_spec.json)"),
        table((), contract, class_="values"),
        tag("h3", "Chosen settings (train_config.json)"),
        table((), chosen, class_="values"),
        tag("h3", "Settings left at their defaults"),
        tag(
            "div",
            table((), left[: (len(left) + 1) // 2], class_="values"),
            table((), left[(len(left) + 1) // 2 :], class_="values"),
            class_="columns",
        ),
    )


def _origin(training: Training) -> Element:
    hardware = training.hardware
    gpus = sum("GPU" in device for device in hardware.devices)
    rows = [
        ("trained on", f"{gpus} x {hardware.product}" if gpus else "the processor, no GPU in use"),
        ("computed in", hardware.precision),
        ("duration", _duration(training)),
        *machine().items(),
        *versions().items(),
    ]
    command = command_line()
    before = training.num_epochs_before
    went_on = f", to continue a training after epoch {before}" if before else ""
    if command is None:
        words = "Trained from Python, with the settings above:"
        folder = str(training.model.parent)
        text = f"train(TrainConfig({_arguments(training.config)}), Path({folder!r}))"
    else:
        words, text = f"Run in the folder {Path.cwd()}{went_on}:", command
    return tag(
        "section",
        tag("h2", "Provenance"),
        table((), rows, class_="values"),
        tag("p", words),
        tag("pre", text),
    )


def _next(training: Training) -> Element:
    model = shlex.quote(str(training.model))
    trust = " --trust" if training.needs_trust else ""
    export = f"{program()} export {model} -o model.onnx{trust}"
    commands = f"{export}\n{program()} cam --model model.onnx"
    return tag(
        "section",
        tag("h2", "What next"),
        tag("p", "Export it to one ONNX file, and watch a camera with that:"),
        tag("pre", commands),
    )


def _duration(training: Training) -> str:
    first, last = training.num_epochs_before + 1, len(training.history)
    if training.seconds is None or first > last:
        return "unknown: no epoch was left to train"
    epochs = f"epoch {last}" if first == last else f"epochs {first} to {last}"
    minutes, seconds = divmod(round(training.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    text = " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than 1 s"
    return f"{text} for {epochs}"


def _arguments(config: TrainConfig) -> str:
    pairs = [(field.name, getattr(config, field.name), field.default) for field in fields(config)]
    return ", ".join(f"{name}={value!r}" for name, value, default in pairs if value != default)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {one}" for key, one in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _counts(clips: ClipSet) -> str:
    return f"{counted(len(clips), 'clip')} of {counted(len(clips.videos), 'video')}"
