"""A network, and the part of it that is trained.

Usually that is the whole network. For a pretrained one it is the part after the frozen layers, as a
separate network with shared weights, which takes the cached features of the clips; see `encoded`.
"""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from rich.console import Console

from rtaction.errors import ModelError
from rtaction.keras_files.archive import load_network
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.choices import DTPP, NetworkName, PrecisionName
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.frozen.encoded import (
    EncodedClips,
    EncodedDataset,
    adapt,
    count_pictures,
    frozen_part,
    learning_part,
)
from rtaction.train.frozen.kept_features import KeptFeatures
from rtaction.train.learning.progress import progress_bar
from rtaction.train.learning.stream_loss import STREAM_AXES, loss_and_metrics
from rtaction.train.networks.build import STANDARD, build_network
from rtaction.train.networks.own import OwnNetwork
from rtaction.train.networks.streams import streams_of
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.precision import computing_in, precision_of
from rtaction.train.settings.run_folder import RunFolder
from rtaction.train.settings.team import Team

_log = logging.getLogger(__name__)
_ALONE = Team()

_MAX_SHARE_OF_FREE = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class Learner:
    """A network in training.

    Args:
        network: the whole network, from clips to scores.
        part: the compiled part to fit; the whole network, what follows the frozen layers, or what
            comes before the fusion of two streams.
    """

    network: Any
    part: Any

    @property
    def is_whole(self) -> bool:
        """Whether it is fitted on clips instead of the frozen part's features."""
        return self.part.inputs[0] is self.network.inputs[0]


def new_learner(
    config: TrainConfig,
    spec: ModelSpec,
    clips: Mapping[str, ClipSet],
    precision: PrecisionName = "float32",
    own: OwnNetwork | None = None,
) -> Learner:
    """Build and compile a new network.

    Args:
        config: the settings.
        spec: the contract, for clip shape and labels.
        clips: the clips of each side; "train" is trained on.
        precision: in which layers compute. Default "float32".
        own: builds the network instead of `build_network`. Default None.

    Raises:
        UsageError, MissingLibrary: see `build_network`.
    """
    with computing_in(precision):
        network = own.build(spec) if own else _network_of(config, spec)
        if config.pretrained and config.network != DTPP:
            adapt(network, clips["train"])
        part = network
        if own is None:
            part = streams_of(network) or network
            if _is_divided(network, config, clips):
                part = learning_part(network)
    _compile(part, config, precision)
    return Learner(network, part)


def _network_of(config: TrainConfig, spec: ModelSpec) -> Any:
    return build_network(
        spec,
        network=cast(NetworkName, config.network),
        head=config.head,
        dropout=config.dropout,
        pretrained=config.pretrained,
        trainable_layers=config.trainable_layers,
        pooling=config.pooling,
        train_batchnorm=config.train_batchnorm,
        stream_encoder=config.stream_encoder,
    )


def _compile(part: Any, config: TrainConfig, precision: PrecisionName) -> None:
    optimizer = keras.optimizers.AdamW(
        config.learning_rate,
        weight_decay=config.weight_decay,
        use_ema=config.ema > 0,
        ema_momentum=config.ema,
    )
    if precision == "mixed_float16":
        # Keras would wrap it implicitly, but not save that in the resume point.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    loss, metrics = loss_and_metrics(config, num_axes=len(part.output.shape))
    part.compile(optimizer=optimizer, loss=loss, metrics=metrics)
    # TensorFlow traces a step again if the first trace made variables: slots, or a metric's counts.
    optimizer.build(part.trainable_variables)


def resumed_trainee(
    config: TrainConfig,
    spec: ModelSpec,
    clips: Mapping[str, ClipSet],
    folder: RunFolder,
    num_epochs: int,
    own: OwnNetwork | None = None,
) -> Learner:
    """Load the learner of an earlier training after `num_epochs` epochs, with optimizer state.

    The resume point is vetted as any other file, and its optimizer is that of the settings.

    Raises:
        ModelError: the resume point is missing, damaged or unsafe.
    """

    def compile_it(part: Any) -> None:
        _compile(part, config, precision_of(part))

    saved = load_saved(
        folder.resume_point(num_epochs),
        keep_precision=True,
        prepare=compile_it,
        own=own.objects if own else None,
    )
    if own:
        own.require_same(saved)
    is_of_streams = own is None and len(saved.output.shape) == STREAM_AXES
    is_frozen_in_part = config.pretrained and saved.input.shape[1:] != spec.clip_shape
    if not (is_of_streams or is_frozen_in_part):
        return Learner(saved, saved)
    learner = new_learner(config, spec, clips, precision_of(saved))
    learner.part.set_weights(saved.get_weights())
    if is_frozen_in_part:
        learner.network.get_layer(STANDARD).finalize_state()
    pairs = zip(learner.part.optimizer.variables, saved.optimizer.variables, strict=True)
    for mine, its in pairs:
        mine.assign(its)
    return learner


def load_saved(path: Path, **how: Any) -> Any:
    """Load a network of a run folder, vetted; `how` as `load_network` takes it.

    Raises:
        ModelError: it is missing, damaged or unsafe; the text says what to do.
    """
    try:
        return load_network(path, **how)
    except ModelError as error:
        raise type(error)(f"cannot resume: {error}; train into a new folder") from None


def encoded_datasets(
    learner: Learner,
    config: TrainConfig,
    clips: Mapping[str, ClipSet],
    console: Console,
    *,
    first_epoch: int,
    team: Team = _ALONE,
) -> tuple[EncodedDataset, EncodedDataset]:
    """Encode all clips with the frozen part; returns datasets for training and validation.

    Those of one worker of a team are its part of each batch, though it encodes all clips.
    """
    augmentation = Augmentation.of(config.augment, keep_sides=config.keep_sides)
    variants = {"train": config.num_variants if augmentation else 1, "validation": 1}
    frozen = frozen_part(learner.network)
    kept = kept_features(frozen, config, clips["train"].labels)
    with progress_bar(console) as progress:
        total = sum(len(clips[side].videos) * count for side, count in variants.items())
        task = progress.add_task("encoding videos", total=total, figures="")
        encoded = {
            side: EncodedClips(
                frozen,
                clips[side],
                augmentation=augmentation if count > 1 else None,
                num_variants=count,
                kept=kept,
                on_video=lambda: progress.advance(task),
            )
            for side, count in variants.items()
        }
    return EncodedDataset(
        encoded["train"],
        clips["train"],
        batch_size=config.batch_size,
        even=True,
        balanced=config.balance == "sampling",
        seed=config.seed,
        first_epoch=first_epoch,
        part=(team.number, team.count),
    ), EncodedDataset(
        encoded["validation"],
        clips["validation"],
        batch_size=config.batch_size,
        even=True,
        shuffle=False,
        part=(team.number, team.count),
    )


def divided_scores(network: Any, config: TrainConfig, clips: ClipSet) -> npt.NDArray[np.float32]:
    """Scores of a network with a frozen part, whose features may be cached.

    Args:
        network: with a frozen part.
        config: the settings that it was trained with.
        clips: the clips to score.

    Returns:
        float32, shape (num_clips, num_labels).
    """
    frozen = frozen_part(network)
    encoded = EncodedClips(frozen, clips, kept=kept_features(frozen, config, clips.labels))
    batches = EncodedDataset(encoded, clips, batch_size=config.batch_size, shuffle=False)
    part = learning_part(network)
    scores = [part.predict_on_batch(batches[number][0]) for number in range(len(batches))]
    return np.concatenate(scores)


def kept_features(frozen: Any, config: TrainConfig, labels: tuple[str, ...]) -> KeptFeatures:
    """The cache of a frozen part's features, shared between runs."""
    encoder = f"{config.network}-{config.trainable_layers}-{config.pooling}"
    cache = FrameCache(config.cache_dir, limit_gb=config.cache_gb)
    return KeptFeatures(cache, frozen, encoder, config.spec(labels))


def _is_divided(network: Any, config: TrainConfig, clips: Mapping[str, ClipSet]) -> bool:
    """Whether there is a frozen part, and its features for all clips fit on the disk."""
    frozen = frozen_part(network)
    if frozen is None:
        return False
    if config.solver == "ridge":  # which has nothing else to fit to
        return True
    num_variants = 1 if config.augment == "none" else config.num_variants
    num_pictures = num_variants * count_pictures(clips["train"])
    num_pictures += count_pictures(clips["validation"])
    num_bytes = 2 * num_pictures * math.prod(frozen.output.shape[1:])
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    fits = bool(num_bytes <= _MAX_SHARE_OF_FREE * free_bytes)
    if not fits:
        _log.warning(
            "the features of the network's frozen part would take %.1f GB, but %s has only %.1f GB "
            "free; they are recomputed in each epoch, which is slow. Lower --variants, or set "
            "TMPDIR to a larger disk",
            *(num_bytes / 1e9, tempfile.gettempdir(), free_bytes / 1e9),
        )
    return fits
