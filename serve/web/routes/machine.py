"""The machine: how it is, whether it is ready, and its file of cameras."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from rtaction.errors import RtactionError, UsageError
from rtaction.serve.web.endpoint import Answer, Asked, Endpoint


def _machine(asked: Asked) -> dict[str, Any]:
    return {**asked.desk.house.machine(), "viewers": asked.desk.num_streams}


def _reload(asked: Asked) -> dict[str, str]:
    try:
        return {"changed": asked.desk.house.reload()}
    except RtactionError as error:  # also a video that is not there is a mistake in the file
        raise UsageError(str(error)) from None


async def _healthz(_: Asked) -> dict[str, str]:
    return {"status": "ok"}


def _readyz(asked: Asked) -> Response:
    is_ready = asked.desk.house.is_ready()
    return JSONResponse(
        {"status": "ok" if is_ready else "not ready"},
        200 if is_ready else 503,
        None if is_ready else {"Retry-After": "1"},
    )


def _metrics(asked: Asked) -> Response:
    if asked.desk.metrics is None:
        raise HTTPException(404)
    content, media_type = asked.desk.metrics()
    return Response(content, media_type=media_type)


ENDPOINTS = [
    Endpoint(
        method="GET",
        path="/api/machine",
        answer_with=_machine,
        summary="How the machine is: rates, latencies, drops, sinks, disk",
        answers={200: Answer("The machine.", "Machine")},
        group="Machine",
    ),
    Endpoint(
        method="POST",
        path="/api/reload",
        answer_with=_reload,
        summary="Read the file of cameras anew; with a mistake in it, all goes on as before",
        answers={
            200: Answer("What has changed.", "Reloaded"),
            400: Answer("The mistake in the file.", "Error"),
        },
        group="Machine",
    ),
    Endpoint(
        method="GET",
        path="/healthz",
        answer_with=_healthz,
        summary="Whether the server answers at all",
        answers={200: Answer("It does.", "Status")},
        group="Machine",
        is_public=True,
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        answer_with=_readyz,
        summary="Whether all models are loaded and the watching goes on",
        answers={200: Answer("They are.", "Status"), 503: Answer("Not yet.", "Status")},
        group="Machine",
        is_public=True,
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        answer_with=_metrics,
        summary="Figures for Prometheus",
        answers={
            200: Answer("The figures.", media=("text/plain", "application/openmetrics-text")),
            404: Answer("There are none here.", "Error"),
        },
        group="Machine",
    ),
]
