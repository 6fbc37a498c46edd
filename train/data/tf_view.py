"""Batches of clips as a `tf.data.Dataset`, for pipelines and trainers that want one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def tf_view(batches: Any) -> Any:
    """A `tf.data.Dataset` of the batches of a Keras dataset, in order.

    Each time that it is iterated is an epoch: the second one and those after it begin with
    `on_epoch_end`, so that clips are shuffled and augmented anew, also after an epoch that was left
    early. Do not iterate it and the Keras dataset at the same time.

    Args:
        batches: a `keras.utils.PyDataset` of pairs of arrays, with at least one batch.

    Returns:
        Finite, of known length; elements have the shapes and dtypes of the arrays, with a free
        first axis.
    """
    from rtaction.keras_tensorflow import tensorflow

    signature = tuple(
        tensorflow.TensorSpec((None, *one.shape[1:]), one.dtype) for one in batches[0]
    )
    has_begun = False

    def epoch() -> Iterator[tuple[Any, ...]]:
        nonlocal has_begun
        if has_begun:
            batches.on_epoch_end()
        has_begun = True
        for number in range(len(batches)):
            yield batches[number]

    dataset = tensorflow.data.Dataset.from_generator(epoch, output_signature=signature)
    counted = dataset.apply(tensorflow.data.experimental.assert_cardinality(len(batches)))
    return counted.prefetch(1)
