"""Time of a training step of one network by 1, 2 and 4 workers of this machine.

python -m benchmarks.training_workers [--network light] [--batch 16] [--steps 20]

Medians over the steps after the first five, in milliseconds: on the clock, and of processor time of
all workers together, which other programs disturb least. Clips are noise, 5 frames of 112x112.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import numpy as np

from rtaction.jobs import Failed, Job
from rtaction.processes import Processes
from rtaction.train.choices import NetworkName
from rtaction.train.learning.many.workers import environment_of

_WARM_UP = 5


def _measure(network: str, batch: int, num_steps: int) -> list[tuple[float, float]]:
    """Milliseconds of each step of one worker: on the clock and of its processor time."""
    from rtaction.keras_tensorflow import keras
    from rtaction.train.learning.shared_steps import shared
    from rtaction.train.networks.build import build_network
    from rtaction.train.settings.config import TrainConfig
    from rtaction.train.settings.hardware import Hardware
    from rtaction.train.settings.team import joined_team

    team = joined_team()
    config = TrainConfig("", network=network)
    part = build_network(config.spec(("a", "b")), network=cast(NetworkName, network))
    part.compile(keras.optimizers.AdamW(1e-3), "categorical_crossentropy")
    part.optimizer.build(part.trainable_variables)
    Hardware((), "CPU", "float32", team=team).share(part)
    ends: list[tuple[float, float]] = []

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
            ends.append((time.perf_counter(), time.process_time()))

    size = batch // team.count
    random = np.random.default_rng(team.number)
    clips = random.integers(0, 256, (size * num_steps, *part.input.shape[1:]), np.uint8)
    labels = np.eye(2, dtype=np.float32)[random.integers(0, 2, len(clips))]
    shared(part, config, team).fit(clips, labels, batch_size=size, verbose=0, callbacks=[Watch()])
    steps = np.diff(np.array(ends), axis=0)[_WARM_UP:] * 1000
    return [(float(wall), float(cpu)) for wall, cpu in steps]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--network", default="light")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    print(f"{given.network}, batches of {given.batch}: ms a step, ms of processor time")
    for count in (1, 2, 4):
        names = [str(number) for number in range(count)]
        job: Job = partial(_measure, given.network, given.batch, given.steps)
        run = Processes(count, environment=environment_of(names) if count > 1 else {})
        found = dict(run(dict.fromkeys(names, job), print))
        failed = [one.reason for one in found.values() if isinstance(one, Failed)]
        if failed:
            raise SystemExit(failed[0])
        wall = statistics.median(step for step, _ in found["0"])
        cpu = sum(statistics.median(one for _, one in found[name]) for name in names)
        print(f"{count} workers: {wall:7.1f} {cpu:7.1f}")


if __name__ == "__main__":
    main()
