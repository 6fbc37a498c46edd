"""Cameras: how they are, their pictures, and what may be set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from rtaction.errors import NoSuchThing, UsageError
from rtaction.serve.house.house import Picture
from rtaction.serve.house.record import iso
from rtaction.serve.web.endpoint import Answer, Asked, Endpoint, Parameter
from rtaction.serve.web.pictures import Key
from rtaction.serve.web.streaming import StreamAnswer

_BOUNDARY = b"--rtaction\r\n"
_DEFAULT_FPS = 10.0
_STILL_SECONDS = 0.2

CAMERA = Parameter(name="camera", kind="id", about="Id of the camera.")
_WIDTH = Parameter(
    name="width",
    kind="integer",
    about="In pixels; never more than the camera has. Left out: as it is.",
    lowest=16,
    highest=4096,
)
DRAWN = Parameter(
    name="drawn",
    kind="boolean",
    about="With boxes, skeletons and labels.",
    default=False,
)
_FPS = Parameter(
    name="fps",
    kind="number",
    about="At most as many pictures a second.",
    lowest=0.1,
    highest=30,
    default=_DEFAULT_FPS,
)


def _cameras(asked: Asked) -> dict[str, Any]:
    return {"cameras": [view.to_dict() for view in asked.desk.house.cameras()]}


def _camera(asked: Asked) -> dict[str, Any]:
    return asked.desk.house.camera(asked["camera"]).to_dict()


def _change(asked: Asked) -> dict[str, Any]:
    house, camera = asked.desk.house, asked["camera"]
    view = house.camera(camera)
    is_enabled, thresholds = _checked(asked.body or {}, view.labels)
    for label, threshold in thresholds.items():
        house.set_threshold(camera, label, threshold)
    if is_enabled is not None:
        house.enable(camera, is_enabled=is_enabled)
    return house.camera(camera).to_dict()


def _checked(
    body: dict[str, Any], labels: tuple[str, ...]
) -> tuple[bool | None, dict[str | None, float | None]]:
    """What is to be set; nothing is set if any of it is wrong."""
    unknown = sorted(set(body) - {"enabled", "thresholds"})
    if unknown:
        raise UsageError(f"unknown key {unknown[0][:40]!r}; expected enabled or thresholds")
    is_enabled, thresholds = body.get("enabled"), body.get("thresholds", {})
    if "enabled" in body and not isinstance(is_enabled, bool):
        raise UsageError("enabled: expected true or false")
    if not isinstance(thresholds, dict):
        raise UsageError('thresholds: expected a score for each label, such as {"wave": 0.6}')
    checked: dict[str | None, float | None] = {}
    for label, threshold in thresholds.items():
        if label not in labels and label != "*":
            raise UsageError(
                f"thresholds: unknown label {label[:40]!r}; expected one of {', '.join(labels)}, "
                "or * for all"
            )
        is_number = isinstance(threshold, (int, float)) and not isinstance(threshold, bool)
        if threshold is not None and not (is_number and 0 <= threshold <= 1):
            raise UsageError(
                f"thresholds: {label}: expected a score from 0 to 1, or null to take it back"
            )
        checked[None if label == "*" else label] = threshold
    return is_enabled, checked


async def _picture(asked: Asked) -> Response:
    key: Key = (asked["camera"], asked["width"], asked["drawn"])
    picture = await asked.desk.pictures.get(key, max_age_seconds=_STILL_SECONDS)
    if picture is None:
        raise HTTPException(503, "this camera has no picture now", {"Retry-After": "1"})
    headers = {
        "ETag": f'"{picture.number}"',
        "X-Picture-At": iso(picture.at),
        "Cache-Control": "no-cache",
    }
    if asked.request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(picture.jpeg, media_type="image/jpeg", headers=headers)


def _stream(asked: Asked) -> Response:
    asked.desk.house.camera(asked["camera"])  # there has to be one
    return StreamAnswer(
        asked.desk,
        _parts(asked),
        media_type="multipart/x-mixed-replace; boundary=rtaction",
    )


async def _parts(asked: Asked) -> AsyncIterator[bytes]:
    """The stream, each part with the boundary after it, so that browsers show it at once."""
    desk = asked.desk
    key: Key = (asked["camera"], asked["width"], asked["drawn"])
    seconds = 1.0 / asked["fps"]
    last: int | None = None
    yield _BOUNDARY
    while not desk.has_ended:
        try:
            # Less than a period, so that viewers of the same pictures share them and none is late.
            picture = await desk.pictures.get(key, max_age_seconds=0.8 * seconds)
        except NoSuchThing:
            return
        if picture is not None and picture.number != last:
            last = picture.number
            yield _part(picture)
        await desk.pause(seconds)


def _part(picture: Picture) -> bytes:
    head = (
        f"Content-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n"
        f"X-Picture-At: {iso(picture.at)}\r\n\r\n"
    )
    return head.encode() + picture.jpeg + b"\r\n" + _BOUNDARY


_NO_CAMERA = Answer("There is no such camera.", "Error")
_JPEG = ("image/jpeg",)

ENDPOINTS = [
    Endpoint(
        method="GET",
        path="/api/cameras",
        answer_with=_cameras,
        summary="All cameras, in the order of their file, and how they are right now",
        answers={200: Answer("The cameras.", "Cameras")},
        group="Cameras",
    ),
    Endpoint(
        method="GET",
        path="/api/cameras/{camera}",
        answer_with=_camera,
        summary="How one camera is right now",
        answers={200: Answer("The camera.", "Camera"), 404: _NO_CAMERA},
        parameters=(CAMERA,),
        group="Cameras",
    ),
    Endpoint(
        method="PATCH",
        path="/api/cameras/{camera}",
        answer_with=_change,
        summary="Enable or disable a camera, or set thresholds of its labels; it lasts",
        answers={200: Answer("The camera as it is now.", "Camera"), 404: _NO_CAMERA},
        parameters=(CAMERA,),
        body="CameraChange",
        group="Cameras",
    ),
    Endpoint(
        method="GET",
        path="/api/cameras/{camera}/picture.jpg",
        answer_with=_picture,
        summary="The newest picture of a camera",
        answers={
            200: Answer("The picture; X-Picture-At says when it was taken.", media=_JPEG),
            304: Answer("It is the one of If-None-Match.", media=()),
            404: _NO_CAMERA,
            503: Answer("There is none now.", "Error"),
        },
        parameters=(CAMERA, _WIDTH, DRAWN),
        group="Cameras",
    ),
    Endpoint(
        method="GET",
        path="/api/cameras/{camera}/stream.mjpg",
        answer_with=_stream,
        summary="Pictures of a camera as they come, as Motion JPEG",
        answers={
            200: Answer("Pictures without end.", media=("multipart/x-mixed-replace",)),
            404: _NO_CAMERA,
            503: Answer("Too many look on.", "Error"),
        },
        parameters=(CAMERA, _WIDTH, DRAWN, _FPS),
        group="Cameras",
    ),
]
