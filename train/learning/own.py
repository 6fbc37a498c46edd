"""`rtaction.train.fit`: a training of anyone's network, from Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras
from rtaction.keyword_settings import checked_settings, shows_settings
from rtaction.model_spec import ModelSpec
from rtaction.train.choices import network_named
from rtaction.train.learning.fit import train
from rtaction.train.learning.result import TrainResult
from rtaction.train.learning.training_data import OpenPoseNetworks
from rtaction.train.networks.own import OwnNetwork, own_network_named
from rtaction.train.settings import people, streams
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.for_own import with_shape_of
from rtaction.train.settings.run_folder import RunFolder

_NOT_SETTINGS = ("videos", "network", "chosen_but")


@shows_settings(TrainConfig, without=_NOT_SETTINGS)
def fit(
    network: keras.Model | Callable[[ModelSpec], Any] | str,
    videos: str | Path,
    output: str | Path = "run",
    *,
    resume: bool = False,
    auto: bool = False,
    callbacks: Sequence[Any] = (),
    console: Console | None = None,
    open_networks: OpenPoseNetworks | None = None,
    **settings: Any,
) -> TrainResult:
    """Train a Keras model of your own on folders of labelled videos, as `rtaction train` does.

    The optimizer, the loss and the metrics are those of the settings, also if the model is
    compiled. Copies of the model are trained, so that it stays as it is; load the result with
    `keras.models.load_model(result.model)`.

    Args:
        network: a Keras model from clips, (batch, frames, height, width, channels) with pixels
            from 0 to 255, to a softmax or logits, (batch, num_labels), whose weights the training
            starts with; a function that takes a `ModelSpec` and returns such a model, see
            `rtaction.train.networks.own`; `"module:function"`; or the name of one of rtaction's
            networks, such as "light".
        videos: a folder with one folder of videos for each label, or a pattern such as
            "videos/{classname}/*.mp4".
        output: folder for the result, see `rtaction.train.settings.run_folder`. Default "run".
        resume: go on with the training in that folder; settings that are not given are its own.
            Default False.
        auto: choose all settings that are not given from the videos. Default False.
        callbacks: Keras callbacks; called after rtaction's own, once the epoch is saved. Default
            none.
        console: where progress is shown. Default: stderr, or the cell of a notebook.
        open_networks: see `train`. Default None.
        settings: fields of `TrainConfig`, such as `epochs=20` or `modality="rgb+diff"`. Frames,
            size and, for 1, 2 or 3 channels, the modality follow from a model that is given;
            otherwise they have the defaults of `TrainConfig`.

    Raises:
        UsageError: a setting is none, has another type or is out of range, or the network does not
            fit the settings or the labels.
        DatasetError, OutputError, MissingLibrary, TrainingFailed: see `rtaction.errors`.

    Example:
        >>> def build(spec):
        ...     clip = keras.Input(spec.clip_shape)
        ...     x = keras.layers.Rescaling(1 / 255)(clip)
        ...     x = keras.layers.Conv3D(16, 3, strides=2, activation="relu")(x)
        ...     x = keras.layers.GlobalAveragePooling3D()(x)
        ...     return keras.Model(clip, keras.layers.Dense(len(spec.labels))(x))
        >>> result = fit(build, "videos/", epochs=20, frames_per_clip=8)
    """
    chosen = checked_settings([TrainConfig], settings, without=_NOT_SETTINGS)
    strange = [one for one in callbacks if not isinstance(one, keras.callbacks.Callback)]
    if strange:
        kind = strange[0] if isinstance(strange[0], type) else type(strange[0])
        advice = "; call it, and give what it returns" if kind is strange[0] else ""
        raise UsageError(f"callbacks: expected callbacks of Keras 3, got {kind.__name__}{advice}")
    if isinstance(network, str):
        own = own_network_named(network_named(network))
    else:
        own = OwnNetwork(network)
    name = own.name if own else str(network)
    if resume:
        config = TrainConfig.load(RunFolder(Path(output)).config)
        config = replace(config, network=name, videos=str(videos), **chosen)
    else:
        chosen_but = tuple(chosen) if auto else None
        config = TrainConfig(str(videos), network=name, chosen_but=chosen_but, **chosen)
        for one in (people, streams):
            config = one.with_defaults(config, chosen)
        config = with_shape_of(own, config, chosen) if own else config
    return train(
        config,
        Path(output),
        resume=resume,
        console=console,
        open_networks=open_networks,
        own=own,
        callbacks=callbacks,
    )
