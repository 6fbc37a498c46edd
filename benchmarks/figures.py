"""The tables of the site's pages on accuracy and speed, measured and written into them.

    make figures
    python -m benchmarks.figures --clips ../shared/data      # where the real clips are

Accuracy: drawn people whom no training has seen, which anybody can draw again, and the real clips
where their folder is there; both by default settings, as `rtaction cam` judges them. Speed: the
bundled models on this machine, in processor time, which other programs change little; and simulated
cameras, unless the machine is busy. Takes some ten minutes; each table says when and where it was
made, and how busy the machine was.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime

from benchmarks.people_actions import CLIPS, Group, clips_of, count
from rtaction.evaluation.estimate import wilson
from rtaction.models import ACTIONS_MODEL, STARTER_MODEL
from rtaction.realtime.bench.cameras import bench_cameras
from rtaction.realtime.bench.model import num_cores
from rtaction.realtime.model.action_model import ActionModel
from rtaction.train.render.files import RenderOptions, render_clips
from tools.licensed_clips import LICENSED

PAGES = Path(__file__).parents[1] / "docs" / "figures"
MODELS = {"people (default)": ACTIONS_MODEL, "starter": STARTER_MODEL}
DRAWN_LABELS = ("arms_raise", "arms_side", "clap", "nothing", "punch", "wave")
# No training has this seed; of `rtaction render --seed`.
DRAWN = RenderOptions(seed=998, size_hw=(240, 320))
DRAWN_OF_EACH = 10
ROUNDS = 9  # of each measurement of time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clips", type=Path, default=CLIPS)
    parser.add_argument("--only", choices=("accuracy", "speed"))
    asked = parser.parse_args()
    if asked.only != "accuracy":
        put_into(PAGES / "speed.md", speed())
    if asked.only != "speed":
        put_into(PAGES / "accuracy.md", accuracy(asked.clips))


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the marks of a page."""
    before = page.read_text(encoding="utf-8")
    begin, end = "<!-- made by benchmarks.figures -->\n", "<!-- end -->"
    parts = re.split(f"(?<={re.escape(begin)})(?s:.*)(?={re.escape(end)})", before)
    if len(parts) != 2:
        raise SystemExit(f"{page} has no marks to put a table between")
    page.write_text(parts[0] + "\n" + text + "\n" + parts[1], encoding="utf-8")
    print(f"{page}\n\n{text}", flush=True)


def made_on() -> str:
    """The machine, the day and how busy it was, as a sentence."""
    cpu = next(_cpu_names(), platform.machine())
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{datetime.now(UTC):%-d %B %Y}; {cpu}, {num_cores()} cores{load}; "
        f"onnxruntime {onnxruntime.__version__}, Python {platform.python_version()}."
    )


def is_busy() -> bool:
    """Whether other programs have taken more than half of a core in the last minute."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5


def _cpu_names() -> Iterator[str]:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                yield line.split(":", 1)[1].strip()


def speed() -> str:
    """Tables of what the bundled models cost."""
    was_busy = is_busy()  # before its own work is seen
    lines = [
        made_on(),
        "",
        "| model, processor time | a new picture | a whole window | ratio | a window's head |",
        "|---|---|---|---|---|",
    ]
    for name, path in MODELS.items():
        encoder, head, full = costs_seconds(ActionModel(path, device="cpu", num_threads=1))
        lines.append(
            f"| {name} | {(encoder + head) * 1000:.2f} ms | {full * 1000:.1f} ms "
            f"| {full / (encoder + head):.0f} | {head * 1000:.2f} ms |"
        )
    if was_busy:
        return "\n".join([*lines, "", "Cameras were not measured: the machine was busy.", ""])
    lines += [
        "",
        "| model | cameras | predictions a second of each | latency p50 / p95 / p99 | cores |",
        "|---|---|---|---|---|",
    ]
    for name, path in MODELS.items():
        model = ActionModel(path, device="cpu")
        for cameras in bench_cameras(model, [1, 4, 16], kinds=[("h264", False)], seconds=6.0):
            latency = " / ".join(
                "none" if math.isnan(one) else f"{one * 1000:.0f} ms"
                for one in cameras.latency_seconds
            )
            lines.append(
                f"| {name} | {cameras.num_cameras} | {cameras.predictions_per_second:.1f} "
                f"| {latency} | {cameras.cores:.2f} |"
            )
    return "\n".join(lines) + "\n"


def costs_seconds(model: ActionModel) -> tuple[float, float, float]:
    """Median processor time of one picture's encoder, a window's head, and a whole window."""
    clip = np.random.default_rng(0).integers(0, 256, (1, *model.spec.clip_shape), np.uint8)
    picture = np.ascontiguousarray(clip[:, 0])
    features = model.encode(clip[0])[np.newaxis]
    ways: tuple[Callable[[], object], ...] = (
        lambda: model.encode(picture),
        lambda: model.score(features),
        lambda: model.score_clips(clip),
    )
    times: list[list[float]] = [[], [], []]
    for _ in range(ROUNDS):
        for run, taken in zip(ways, times, strict=True):
            run()  # what another way has driven out of the caches comes back
            began = time.process_time()
            run()
            taken.append(time.process_time() - began)
    encoder, head, full = (statistics.median(taken) for taken in times)
    return encoder, head, full


def accuracy(clips: Path) -> str:
    """Tables of how many clips are named, and of false events."""
    lines = [
        made_on(),
        "",
        "| clips | model | named | 95 % interval | with the right event | wrong events |",
        "|---|---|---|---|---|---|",
    ]
    with TemporaryDirectory() as folder:
        drawn = Path(folder)
        render_clips(drawn, dict.fromkeys(DRAWN_LABELS, DRAWN_OF_EACH), DRAWN)
        paths = sorted(one for one in drawn.rglob("*.*") if one.is_file())
        for name, path in MODELS.items():
            model = ActionModel(path, device="cpu")
            lines.append(_row("drawn people", name, _judged(model, paths)))
    licensed = {clips / one for one in LICENSED}
    for folder_name in ("people_dev", "webcam_dev"):
        paths = [one for one in clips_of(clips, folder_name) if one not in licensed]
        for name, path in MODELS.items():
            model = ActionModel(path, device="cpu")
            known = [one for one in paths if one.parent.name in model.spec.labels]
            if known:
                lines.append(_row(f"real, {folder_name}", name, _judged(model, known)))
    return "\n".join(lines) + "\n"


def _judged(model: ActionModel, paths: list[Path]) -> Group:
    group = Group()
    for path in paths:
        count(group, model, path, path.parent.name)
    return group


def _row(clips: str, model: str, group: Group) -> str:
    low, high = wilson(group.num_named / group.num, group.num)
    return (
        f"| {clips} | {model} | {group.num_named} of {group.num} | {low:.2f} to {high:.2f} "
        f"| {group.num_with_event} | {len(group.wrong)} in {group.seconds:.0f} s |"
    )


if __name__ == "__main__":
    main()
