"""A file whose encoder computes with 16-bit floats: half as large, and faster on many GPUs.

Pictures stay uint8, features and scores float32, and the head stays as it is. A CPU computes such a
file as well, but no faster.
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
        UsageError: a file that was made smaller before, or that has no boundary.
        ExportError: it cannot be converted.
    """
    encoder = ModelProto.FromString(cut_encoder(content))
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it tells each number that float16 has no place for
    try:
        half = convert_float_to_float16(encoder, keep_io_types=True)
    except Exception as error:
        # It raises whatever an unforeseen node raises.
        raise ExportError(f"onnxruntime cannot convert the encoder to float16: {error}") from None
    finally:
        logging.disable(before)
    return with_encoder(content, half, prefix="half/", done="encoder float16")
