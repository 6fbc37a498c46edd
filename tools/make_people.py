"""Build the bundled model of people's actions from motions that are made, not filmed.

    python -m tools.make_people --clips ../shared/data --work /tmp/people

Joints are made by `rtaction.train.motions`, new ones for each step, by a process of its own while
the network learns. Keypoints of the clips in `LICENSED`, whose licences allow it, are mixed in.
Several small networks are trained from different seeds; the model is their mean. Thresholds are
then chosen on made motions. Networks that are in the work folder already are reused. The model card
is PEOPLE.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from queue import Full
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from rtaction.arrays import Float32Array
from rtaction.model_spec import ModelSpec
from rtaction.models import POSE_MODEL
from rtaction.onnx_format.build import OPSET
from rtaction.onnx_format.file import OnnxFile
from rtaction.pose.graph import NUMBERS, pose_model
from rtaction.pose.network import CLOSE_SIZE
from rtaction.pose.normal import NUM_NUMBERS, window_numbers
from rtaction.train.motions.windows import (
    BACKGROUND,
    INTERVAL_SECONDS,
    LABELS,
    NUM_TIMES,
    Windows,
    make_windows,
    mirrored,
)
from tools.licensed_clips import LICENSED, licensed_windows, varied
from tools.people_thresholds import choose_thresholds

HERE = Path(__file__).parents[1] / "models"
WIDTH, BATCH = 96, 512
KEPT, MOST_USES = 122_880, 5  # windows that batches are drawn from, and how often each is used
HIGHEST_RATE, WARM_STEPS, SMOOTHING = 2e-3, 150, 0.05
LEAST_KEPT = 16_000
LICENSED_SHARE = 0.03  # of each batch
SPEC = ModelSpec(
    labels=LABELS,
    frames_per_clip=NUM_TIMES,
    clip_seconds=(NUM_TIMES - 1) * INTERVAL_SECONDS,
    height=CLOSE_SIZE,
    width=CLOSE_SIZE,
    modality="pose",
    resize="letterbox",
    background_label=BACKGROUND,
)


def main() -> None:
    """Train, choose thresholds and write `models/people.onnx`."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clips", type=Path, required=True, help="folder that holds people_dev")
    parser.add_argument("--work", type=Path, required=True, help="folder for trained networks")
    parser.add_argument("--steps", type=int, default=2400, help="batches of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=HERE / "people.onnx")
    arguments = parser.parse_args()
    missing = [name for name in LICENSED if not (arguments.clips / name).is_file()]
    if missing:
        raise SystemExit(f"no {', '.join(missing)} in {arguments.clips}")
    real = licensed_windows(arguments.clips)
    work, num_steps = arguments.work, arguments.steps
    network = mean_of([once_trained(work, seed, num_steps, real) for seed in arguments.seeds])

    def score(points: Float32Array) -> Float32Array:
        return np.asarray(network.predict(window_numbers(points, INTERVAL_SECONDS), verbose=0))

    thresholds = choose_thresholds(score, SPEC)
    print(thresholds)
    spec = replace(SPEC, threshold=max(thresholds.values()), label_thresholds=thresholds)
    content = pose_model(spec, to_onnx(network), OnnxFile.load(POSE_MODEL))
    arguments.output.write_bytes(content)
    print(f"{arguments.output}: {len(content) / 1e6:.2f} MB")


def network_of(numbers: Float32Array) -> Any:
    """A network from numbers to scores: convolutions over time, then maxima and means.

    Args:
        numbers: float32, shape (n, NUM_TIMES, NUM_NUMBERS), for their means and spreads.
    """
    from rtaction.keras_tensorflow import keras

    layers = keras.layers

    def convolved(x: Any, reach: int) -> Any:
        more = layers.Conv1D(WIDTH, 3, padding="same", activation="relu", dilation_rate=reach)(x)
        return layers.Add()([x, more])

    given = keras.Input((NUM_TIMES, NUM_NUMBERS), name=NUMBERS)
    spread = np.sqrt(numbers.var(axis=(0, 1)) + 0.01)
    middle = numbers.mean(axis=(0, 1))
    x = layers.Rescaling(scale=1 / spread, offset=-middle / spread)(given)
    x = layers.Dense(WIDTH, activation="relu")(x)
    x = layers.MaxPooling1D(2)(convolved(x, 1))
    x = convolved(convolved(x, 1), 2)
    x = layers.Concatenate()([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)])
    x = layers.Dropout(0.1)(x)
    x = layers.Dropout(0.1)(layers.Dense(WIDTH, activation="relu")(x))
    return keras.Model(given, layers.Dense(len(LABELS), activation="softmax")(x))


def once_trained(work: Path, seed: int, num_steps: int, real: Windows) -> Any:
    """A network as `trained`, from the work folder if it is there."""
    from rtaction.keras_tensorflow import keras

    path = work / f"network-{seed}.keras"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        trained(seed, num_steps, real).save(path)
    return keras.models.load_model(path)


def trained(seed: int, num_steps: int, real: Windows) -> Any:
    """Train a network from one seed."""
    from rtaction.keras_tensorflow import keras, tensorflow

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    with Supply(seed) as supply:
        network = network_of(supply.numbers[: supply.num_kept].astype(np.float32))
        rate = keras.optimizers.schedules.CosineDecay(
            1e-4, num_steps, alpha=0.005, warmup_target=HIGHEST_RATE, warmup_steps=WARM_STEPS
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3, global_clipnorm=1.0)
        loss_of = keras.losses.CategoricalCrossentropy(label_smoothing=SMOOTHING)

        @tensorflow.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def step(numbers: Any, labels: Any) -> Any:
            with tensorflow.GradientTape() as tape:
                truth = tensorflow.one_hot(labels, len(LABELS))
                loss = loss_of(truth, network(numbers, training=True))
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
            return loss

        losses: list[float] = []
        for number in range(num_steps):
            numbers, labels = supply.batch(rng, BATCH, most_used=number * BATCH / MOST_USES)
            numbers, labels = with_real(rng, numbers, labels, real)
            losses.append(float(step(numbers, labels)))
            if (number + 1) % 200 == 0:
                mean = float(np.mean(losses[-200:]))
                print(f"seed {seed}, step {number + 1} of {num_steps}: loss {mean:.3f}", flush=True)
    return network


def with_real(
    rng: np.random.Generator, numbers: Float32Array, labels: npt.NDArray[Any], real: Windows
) -> tuple[Float32Array, npt.NDArray[Any]]:
    """Replace a few windows of a batch by real ones, varied."""
    count = round(LICENSED_SHARE * len(labels))
    # Each label as often as any other, however long its clips are.
    names = np.unique(real.labels)
    chosen = [rng.choice(np.flatnonzero(real.labels == one)) for one in rng.choice(names, count)]
    points = mirrored(rng, varied(rng, real.points[chosen]))
    numbers[:count] = window_numbers(points, INTERVAL_SECONDS)
    labels[:count] = real.labels[chosen]
    return numbers, labels


class Supply:
    """Made windows that a process of its own renews all the time.

    Args:
        seed: of the windows.
    """

    def __init__(self, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue: Any = context.Queue(8)
        self._maker = context.Process(target=make_forever, args=(self._queue, seed), daemon=True)
        self._num_made = 0
        self.num_kept = 0
        self.numbers = np.zeros((KEPT, NUM_TIMES, NUM_NUMBERS), np.float16)
        self.labels = np.zeros(KEPT, np.int64)

    def __enter__(self) -> Supply:
        self._maker.start()
        while self.num_kept < LEAST_KEPT:
            self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._maker.terminate()
        self._maker.join()

    def batch(
        self, rng: np.random.Generator, size: int, *, most_used: float
    ) -> tuple[Float32Array, npt.NDArray[np.int64]]:
        """Random windows of those kept, once at least `most_used` have been made."""
        while self._num_made < most_used:
            self._take()
        chosen = rng.integers(self.num_kept, size=size)
        return self.numbers[chosen].astype(np.float32), self.labels[chosen]

    def _take(self) -> None:
        numbers, labels = self._queue.get()
        at = (self._num_made + np.arange(len(labels))) % KEPT
        self.numbers[at], self.labels[at] = numbers, labels
        self._num_made += len(labels)
        self.num_kept = min(self._num_made, KEPT)


def make_forever(queue: Any, seed: int) -> None:
    """Make windows and put their numbers and labels into a queue, until the parent has ended."""
    rng, parent = np.random.default_rng([1, seed]), multiprocessing.parent_process()
    while True:
        windows = make_windows(rng, 2048)
        numbers = window_numbers(windows.points, INTERVAL_SECONDS)
        made = numbers.astype(np.float16), windows.labels
        while True:
            try:
                queue.put(made, timeout=1.0)
                break
            except Full:
                if parent is None or not parent.is_alive():
                    return


def mean_of(networks: Sequence[Any]) -> Any:
    """One network with the mean of several ones' scores."""
    from rtaction.keras_tensorflow import keras

    given = keras.Input((NUM_TIMES, NUM_NUMBERS), name=NUMBERS)
    for number, network in enumerate(networks):
        network.name = f"network_{number}"
    scores = [network(given) for network in networks]
    return keras.Model(given, keras.layers.Average()(scores) if len(scores) > 1 else scores[0])


def to_onnx(network: Any) -> ModelProto:
    """A network from numbers to scores as ONNX."""
    from rtaction.keras_tensorflow import tensorflow

    # It imports TensorFlow, which `keras_tensorflow` must import first to silence it.
    import tf2onnx  # isort: skip

    shape = [None, NUM_TIMES, NUM_NUMBERS]
    given = [tensorflow.TensorSpec(shape, "float32", name=NUMBERS)]
    compute = tensorflow.function(lambda numbers: network(numbers, training=False), given)
    model: ModelProto
    model, _ = tf2onnx.convert.from_function(compute, input_signature=given, opset=OPSET)
    return model


if __name__ == "__main__":
    main()
