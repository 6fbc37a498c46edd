"""A network whose steps hardly depend on how sums are rounded.

Adam's first steps follow the sign of each gradient, also of those that are nothing but rounding:
no unit is dead here, and no bias is undone by a normalisation.
"""

from __future__ import annotations

from typing import Any

from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.model_spec import ModelSpec

layers = keras.layers


def build(spec: ModelSpec) -> Any:
    """A convolution, normalised, and a decision."""
    clip = keras.Input(spec.clip_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(clip)
    x = layers.TimeDistributed(layers.Conv2D(6, 7, strides=4, use_bias=False))(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Flatten()(layers.Activation("tanh")(x))
    return keras.Model(clip, layers.Dense(len(spec.labels), activation="softmax")(x))


def step_by_step() -> None:
    """Run short trainings of this process step by step."""
    tensorflow.config.run_functions_eagerly(True)


NAME = f"{__name__}:{build.__name__}"
