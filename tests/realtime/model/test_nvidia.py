"""CUDA's driver is asked for its GPUs, whatever files a system has in /dev."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rtaction.realtime.model import nvidia
from rtaction.realtime.model.nvidia import emptiest_gpu, num_gpus

# As libcuda.so.1: free memory of each GPU in MB; a negative one cannot be used.
DRIVER = """
#include <stddef.h>
static const long free_mb[] = {FREE};
static long current = -1;
int cuInit(unsigned flags) { return STATUS; }
int cuDeviceGetCount(int *count) { *count = sizeof free_mb / sizeof *free_mb - 1; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = (void *)(size_t)(device + 1);
    return free_mb[device] < 0 ? 46 : 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) { return 0; }
int cuDevicePrimaryCtxRelease(int device) { return 0; }
int cuCtxGetCurrent(void **context) { *context = (void *)(size_t)(current + 1); return 0; }
int cuCtxSetCurrent(void *context) { current = (long)(size_t)context - 1; return 0; }
int cuMemGetInfo_v2(size_t *free, size_t *total) {
    *free = free_mb[current] * 1000000;
    *total = 24000000000;
    return 0;
}
long current_gpu(void) { return current; }
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A driver library with GPUs of which so much memory is free."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform == "win32":
        pytest.skip("needs a C compiler")
    free_mb, status = request.param
    text = DRIVER.replace("FREE", ", ".join(map(str, [*free_mb, 0]))).replace("STATUS", str(status))
    (tmp_path / "driver.c").write_text(text)
    library = tmp_path / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "driver.c"], check=True)
    monkeypatch.setattr(nvidia, "_LIBRARIES", (str(tmp_path / "nosuch.so"), str(library)))
    return library


@pytest.mark.parametrize(
    ("driver", "expected_number", "expected_emptiest"),
    [
        (((8_000,), 0), 1, 0),
        (((8_000, 23_000, 11_000), 0), 3, 1),
        (((11_000, 11_000), 0), 2, 0),
        (((-1, 500, 400), 0), 3, 1),  # the first is somebody's alone
        (((), 0), 0, 0),
        (((8_000, 9_000), 100), 0, 0),  # the driver says that there is no GPU
    ],
    indirect=["driver"],
)
def test_the_driver_is_asked(driver: Path, expected_number: int, expected_emptiest: int) -> None:
    assert num_gpus() == expected_number
    assert emptiest_gpu() == expected_emptiest
    # Whoever uses CUDA in this thread finds it as it was.
    assert ctypes.CDLL(str(driver)).current_gpu() == -1


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "_LIBRARIES", ("/nosuch/libcuda.so.1",))

    assert num_gpus() == emptiest_gpu() == 0
