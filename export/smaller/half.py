"""Convert the encoder to float16: half the size, and faster on many GPUs.

Frames stay uint8, features and scores stay float32, and the head is unchanged. CPUs run such a file
too, but no faster.
"""

from __future__ import annotations

import logging

from onnx import ModelProto
from onnxruntime.transformers.float16 import convert_float_to_float16

from rtaction.errors import ExportError
from rtaction.export.smaller.encoder_swap import cut_encoder, with_encoder


def halve(content: bytes) -> bytes:
    """Make the encoder of a model float16. The same input gives the same bytes.

    Args:
        content: an ONNX file with contract and boundary.

    Returns:
        An ONNX file with the same contract, boundary, input and output.

    Raises:
        UsageError: the file is already a smaller version, or has no boundary.
        ExportError: it cannot be converted.
    """
    encoder = ModelProto.FromString(cut_encoder(content))
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it reports every value that float16 cannot represent
    try:
        half = convert_float_to_float16(encoder, keep_io_types=True)
    except Exception as error:
        # An unsupported node can raise any exception.
        raise ExportError(f"onnxruntime cannot convert the encoder to float16: {error}") from None
    finally:
        logging.disable(before)
    return with_encoder(content, half, prefix="half/", done="encoder float16")
