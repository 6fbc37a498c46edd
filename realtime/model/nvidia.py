"""The NVIDIA GPUs that this process may use, as CUDA's driver numbers them.

The driver itself is asked, not files in /dev: a Jetson has no /dev/nvidiactl, a container may have
it without a GPU, and `CUDA_VISIBLE_DEVICES` hides GPUs that have files. This module knows nothing
about onnxruntime.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

_LIBRARIES = ("nvcuda.dll",) if os.name == "nt" else ("libcuda.so.1", "libcuda.so")


def num_gpus() -> int:
    """The number of GPUs that CUDA can use from this process; 0 without a driver."""
    driver = _driver()
    count = ctypes.c_int()
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def emptiest_gpu() -> int:
    """The number of the GPU with most free memory; the first of equals, and 0 without a driver.

    With several GPUs, a context is made on each for the answer, some tenths of a second; with one,
    nothing is asked.
    """
    driver, number = _driver(), num_gpus()
    if driver is None or number < 2:
        return 0
    free_bytes = [_free_bytes(driver, place) for place in range(number)]
    return free_bytes.index(max(free_bytes))


def _driver() -> Any:
    """CUDA's driver library, ready for calls; None if there is none, or no GPU behind it."""
    for name in _LIBRARIES:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        return driver if driver.cuInit(0) == 0 else None
    return None


def _free_bytes(driver: Any, number: int) -> int:
    """Free memory of a GPU; -1 if it cannot be used, as by another's exclusive process."""
    device, context = ctypes.c_int(), ctypes.c_void_p()
    if driver.cuDeviceGet(ctypes.byref(device), number) != 0:
        return -1
    if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device) != 0:
        return -1
    before, free, total = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_size_t()
    try:
        driver.cuCtxGetCurrent(ctypes.byref(before))
        if driver.cuCtxSetCurrent(context) != 0:
            return -1
        failed = driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        driver.cuCtxSetCurrent(before)
        return -1 if failed else free.value
    finally:
        driver.cuDevicePrimaryCtxRelease(device)
