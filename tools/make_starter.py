"""Build the bundled model of pictures: render people, train on them, export the best model.

    python tools/make_starter.py --work /tmp/starter

It follows the same steps as a user: `rtaction render` writes folders of videos, `rtaction train`
reads them, `rtaction export` verifies the result. Thresholds are then tuned on long rendered
videos. Existing videos and finished trainings are reused. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rtaction.train.render.clip import RENDERED_LABELS
from rtaction.train.render.files import (
    INTERVALS_FILE,
    RenderOptions,
    render_clips,
    render_sequences,
)

HERE = Path(__file__).parents[1] / "models"
BACKGROUND = "nothing"
# Relative number of clips: "no action" is more varied, and false alarms annoy users most.
CLIPS_OF = {"nothing": 1.2, "other": 2.4}
SIZE_HW = (72, 96)
VIDEO_SECONDS, STRIDE_SECONDS = 3.4, 0.5  # three windows of each video
# Thresholds are tuned on other people, who often do actions without a label.
TUNING_SEED, SEQUENCES, SEQUENCE_SECONDS, OTHERS = 1, 60, 40.0, 800
FALSE_EVENTS_PER_HOUR = 3.0  # of each label; four in the tuning videos
# Real people move in more ways than rendered ones. This threshold hardly misses their actions.
LEAST_THRESHOLD = 0.7
BESIDE_SECONDS = 1.0  # an event closer to an action than this is late rather than false


def main() -> None:
    """Render, train once per seed, and export the model that is best on the validation clips."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for videos and training")
    parser.add_argument("--clips", type=int, default=3000, help="clips of each action")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    render_videos(arguments.work, arguments.clips)
    runs = [train_once(arguments.work, arguments.epochs, seed) for seed in arguments.seeds]
    write_model(min(runs, key=validation_loss), arguments.work)


def render_videos(work: Path, clips_per_action: int) -> None:
    """Write the clips for training, and the sequences for tuning thresholds."""
    counts = {label: round(CLIPS_OF.get(label, 1) * clips_per_action) for label in RENDERED_LABELS}
    options = RenderOptions(seconds=VIDEO_SECONDS, size_hw=SIZE_HW)
    render_clips(work / "videos", counts, options, on_file=_counter(sum(counts.values())))
    options = RenderOptions(seed=TUNING_SEED, seconds=SEQUENCE_SECONDS, size_hw=SIZE_HW)
    render_sequences(work / "sequences", SEQUENCES, RENDERED_LABELS, options)
    options = RenderOptions(seed=TUNING_SEED, size_hw=SIZE_HW)
    render_clips(work / "others", {"other": OTHERS}, options)


def train_once(work: Path, epochs: int, seed: int) -> Path:
    """Train on the rendered videos; returns the run, `work/run-<seed>`."""
    # Imported here because rendering does not need TensorFlow.
    from rtaction.train.learning.fit import train
    from rtaction.train.settings.config import TrainConfig

    run = work / f"run-{seed}"
    config = TrainConfig(
        videos=str(work / "videos"),
        network="small",
        frames_per_clip=12,
        clip_seconds=1.8333,  # six frames per second
        stride_seconds=STRIDE_SECONDS,
        height=64,
        width=64,
        modality="gray+diff",
        background_label=BACKGROUND,
        validation_fraction=0.05,
        epochs=epochs,
        batch_size=64,
        learning_rate=3e-3,
        schedule="cosine",
        dropout=0.2,
        balance="none",
        patience=epochs,
        seed=seed,
    )
    train(config, run, resume=(run / "train_config.json").exists())
    return run


def validation_loss(run: Path) -> float:
    """The lowest validation loss of a finished training."""
    with (run / "history.csv").open(encoding="utf-8", newline="") as file:
        return min(float(row["val_loss"]) for row in csv.DictReader(file))


def write_model(run: Path, work: Path) -> None:
    """Export a training as `models/starter.onnx`, with tuned thresholds."""
    from rtaction.export.exporter import export_model
    from rtaction.model_spec import ModelSpec

    spec_path, model = run / "model_spec.json", run / "model.keras"
    export_model(model, run / "model.onnx")
    thresholds = choose_thresholds(run / "model.onnx", work)
    spec = ModelSpec.load(spec_path)
    highest = max(thresholds.values())
    replace(spec, threshold=highest, label_thresholds=thresholds).save(spec_path)
    print(export_model(model, HERE / "starter.onnx"), thresholds)


def choose_thresholds(model_path: Path, work: Path) -> dict[str, float]:
    """For each action, the lowest threshold with few false events.

    Args:
        model_path: the exported model.
        work: folder with the output of `render_videos`.
    """
    from rtaction.evaluation.intervals import LabelledTime, read_intervals
    from rtaction.realtime.actions.rules import ActionRules
    from rtaction.realtime.judging.tuning import ENTERS, find_events
    from rtaction.realtime.judging.watched import judge_videos
    from rtaction.realtime.model.action_model import ActionModel

    model = ActionModel(model_path, device="cpu")
    sequences = work / "sequences"
    truth = read_intervals(sequences / INTERVALS_FILE, sequences)
    truth += [LabelledTime(path, (), None) for path in sorted((work / "others").rglob("*.avi"))]
    judged = judge_videos(model, [one.path for one in truth])
    hours = sum(one.duration_seconds for one in judged) / 3600
    thresholds: dict[str, float] = {}
    for enter in [one for one in ENTERS if one >= LEAST_THRESHOLD]:
        rules = ActionRules.for_model(model.spec, threshold=enter)
        false = [
            event.label
            for video, said in zip(truth, judged, strict=True)
            for event in find_events(said.predictions, rules, model.spec)
            if not any(
                one.start_seconds - BESIDE_SECONDS < event.end_seconds
                and event.start_seconds < one.end_seconds + BESIDE_SECONDS
                for one in video.intervals
            )
        ]
        for label in model.spec.labels:
            is_few = false.count(label) <= FALSE_EVENTS_PER_HOUR * hours or enter == ENTERS[-1]
            if label != BACKGROUND and is_few:
                thresholds.setdefault(label, enter)
    return thresholds


def _counter(total: int) -> Callable[[], None]:
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        if done % 500 == 0:
            print(f"rendered {done} of {total} clips", flush=True)

    return tell


if __name__ == "__main__":
    main()
