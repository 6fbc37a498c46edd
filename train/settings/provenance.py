"""Where a network comes from: the versions, the machine and the command that made it."""

from __future__ import annotations

import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import psutil

from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.opencv import cv2


def versions() -> dict[str, str]:
    """Versions of everything that affects a training, by name."""
    return {
        "rtaction": metadata.version("rtaction"),
        "python": platform.python_version(),
        "tensorflow": str(tensorflow.__version__),
        "keras": str(keras.__version__),
        "opencv": str(cv2.__version__),
        "numpy": np.__version__,
    }


def machine() -> dict[str, str]:
    """This machine: system, processor, memory."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{processor_name()}, {psutil.cpu_count() or 1} logical cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
    }


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The marketing name of the processor or, if unknown, its architecture.

    Args:
        cpuinfo: the file where Linux has it; other systems have no such file.
    """
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def command_line(arguments: list[str] | None = None) -> str | None:
    """The `rtaction` command of this process, quoted for a shell.

    Args:
        arguments: of the process, its name first. Default: `sys.argv`.

    Returns:
        None if it is another program that uses rtaction as a library.
    """
    name, *rest = sys.argv if arguments is None else arguments
    path = Path(name)
    if path.name == "__main__.py" and path.parent.name == "rtaction":
        return shlex.join(["python", "-m", "rtaction", *rest])
    if path.stem == "rtaction":
        return shlex.join(["rtaction", *rest])
    return None
