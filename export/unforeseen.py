"""One sentence for whatever an export did not foresee, with the layer that caused it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rtaction.errors import ExportError, RtactionError
from rtaction.output_file import raise_if_no_room

_log = logging.getLogger(__name__)


@contextmanager
def unforeseen_told(what: str) -> Iterator[None]:
    """Turn any exception that is not ours into an `ExportError`; its cause stays attached.

    Args:
        what: the first words of the error, such as "run/ cannot be exported".

    Raises:
        ExportError: the block raised something unforeseen; the text names the layer, or the
            operation of an ONNX file, that it was working on, where that can be told.
    """
    try:
        yield
    except (RtactionError, ModuleNotFoundError):
        raise
    except MemoryError:
        raise ExportError(f"{what}: there is not enough memory; close other programs") from None
    except Exception as error:
        raise_if_no_room(error)
        at = layer_of(error)
        _log.debug("%s", what, exc_info=error)
        raise ExportError(
            f"{what}{f', because of {at}' if at else ''}: {reason_of(error)}"
            f"{'; build the model without it' if at else ''}"
        ) from error


def reason_of(error: Exception) -> str:
    """The kind of an exception, and the line that says why; Keras prints that one bold."""
    # A KeyError quotes its text.
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    bold = re.search(r"\x1b\[1m(.+?)(\x1b\[0m|$)", text, re.DOTALL)
    lines = (bold[1] if bold else text).strip().splitlines()
    kind = type(error).__name__
    return f"{kind}: {lines[0][:200]}" if lines else kind


def layer_of(error: BaseException) -> str:
    """The layer or operation that was worked on when an exception was raised; empty if unknown."""
    found, traceback = "", error.__traceback__
    while traceback is not None:
        here = traceback.tb_frame.f_locals
        for name in ("node", "operation", "layer", "self"):
            with suppress(Exception):  # these are objects of any library
                found = _called(here.get(name)) or found
        traceback = traceback.tb_next
    return found


def _called(value: Any) -> str:
    """Words for a layer of Keras, a call of one, or a node of ONNX; empty for all else."""
    value = getattr(value, "operation", value)
    if isinstance(op_type := getattr(value, "op_type", None), str):
        return f"operation {value.name!r} ({op_type})"
    # By name: Keras is loaded only where it is needed.
    kinds = {(one.__module__.split(".")[0], one.__name__) for one in type(value).__mro__}
    if ("keras", "Operation") not in kinds or ("keras", "Model") in kinds:
        return ""
    return f"layer {getattr(value, 'name', '')!r} ({type(value).__name__})"
