"""Time from Enter to the end of the first training step, of nine rendered clips.

python -m benchmarks.first_step [--repeats 3] [--network light] [--profile]

Each measurement is a new process, with an empty cache of decoded videos and then with a full one.
Times are since the process began: imports (TensorFlow), videos (found, split, decoded), network
(built and compiled), step (the first batch is learned), epoch (validated and saved). The last one
is processor time until the first step, which other programs disturb least.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from rtaction.train.render.files import RenderOptions, render_clips

SETTINGS: dict[str, dict[str, Any]] = {
    "light": {},
    "two_stream": {"modality": "rgb+flow"},
}
STAGES = ("imports", "videos", "network", "step", "epoch", "cpu")


def _since_start_seconds() -> float:
    return time.time() - psutil.Process().create_time()


def _measure(network: str, folder: Path) -> None:
    """Train for one epoch in this process, and print the times as JSON."""
    from rtaction.keras_tensorflow import keras
    from rtaction.realtime.model.pose_networks import open_pose_networks  # as the command does
    from rtaction.train.learning import fit
    from rtaction.train.settings.config import TrainConfig

    times = {"imports": _since_start_seconds()}

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
            times["network"] = _since_start_seconds()

        def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
            times.setdefault("step", _since_start_seconds())
            times.setdefault("cpu", time.process_time())

        def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            times["epoch"] = _since_start_seconds()

    def decode(*args: Any) -> Any:
        found = plain(*args)
        times["videos"] = _since_start_seconds()
        return found

    plain = vars(fit)["decode"]
    vars(fit)["decode"] = decode
    config = TrainConfig(
        videos=str(folder / "videos"),
        network=network,
        epochs=1,
        cache_dir=str(folder / "cache"),
        **SETTINGS[network],
    )
    with tempfile.TemporaryDirectory() as run:
        fit.train(config, Path(run), open_networks=open_pose_networks, callbacks=[Watch()])
    print(json.dumps(times))


def _measured(network: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.first_step", "--one", network, str(folder)]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _print_medians(name: str, rows: list[dict[str, float]]) -> None:
    medians = [statistics.median(row[stage] for row in rows) for stage in STAGES]
    print(f"{name:24}", *(f"{one:8.1f}" for one in medians), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--network", choices=SETTINGS, action="append")
    parser.add_argument("--profile", help="write a profile of one training to this file")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _measure(options.one[0], Path(options.one[1]))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        render_clips(
            folder / "videos", dict.fromkeys(("wave", "clap", "nothing"), 3), RenderOptions()
        )
        names = options.network or list(SETTINGS)
        if options.profile:
            with cProfile.Profile() as profile:
                _measure(names[0], folder)
            profile.dump_stats(options.profile)
            return
        print(f"seconds on {os.cpu_count()} cores, medians of {options.repeats}")
        print(f"{'network':24}", *(f"{stage:>8}" for stage in STAGES))
        for name in names:
            first, again = [], []
            for _ in range(options.repeats):
                for entry in (folder / "cache").glob("*"):
                    entry.unlink()
                first.append(_measured(name, folder))
                again.append(_measured(name, folder))
            _print_medians(name, first)
            _print_medians(f"{name}, decoded before", again)


if __name__ == "__main__":
    main()
