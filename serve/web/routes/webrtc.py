"""Pictures over WebRTC, where aiortc is installed."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

from anyio.to_thread import run_sync

from rtaction.errors import UsageError
from rtaction.installation import install_command
from rtaction.serve.web.endpoint import Answer, Asked, Endpoint, Parameter
from rtaction.serve.web.guard import error_answer
from rtaction.serve.web.pictures import Key
from rtaction.serve.web.routes.cameras import CAMERA, DRAWN

_LARGEST = 1280


def why_not() -> str:
    """Why there is no WebRTC here; empty if there is.

    TensorFlow brings an OpenSSL of its own, beside which that of pylibsrtp crashes as it is loaded;
    `rtaction serve` loads none, but a program that uses its parts may.
    """
    if "tensorflow" in sys.modules:
        return "there is no WebRTC in a process that has loaded TensorFlow"
    if find_spec("aiortc") is None:
        return (
            "pictures over WebRTC need aiortc, which is not installed; install it with: "
            f"{install_command('webrtc')}"
        )
    return ""


def _features(_: Asked) -> dict[str, bool]:
    return {"webrtc": not why_not()}


async def _offer(asked: Asked) -> Any:
    if reason := why_not():
        return error_answer(404, reason)
    body = asked.body or {}
    sdp = body.get("sdp")
    if set(body) != {"sdp", "type"} or body["type"] != "offer" or not isinstance(sdp, str):
        raise UsageError('expected {"type": "offer", "sdp": "..."} and no more')
    asked.desk.house.camera(asked["camera"])  # there has to be one
    key: Key = (asked["camera"], asked["width"], asked["drawn"])
    open_peer = await run_sync(_opener)
    return {"type": "answer", "sdp": await open_peer(asked.desk, key, sdp)}


def _opener() -> Callable[..., Awaitable[str]]:
    """Takes long the first time."""
    from rtaction.serve.web.peers import open_peer

    return open_peer


ENDPOINTS = [
    Endpoint(
        method="POST",
        path="/api/cameras/{camera}/webrtc",
        answer_with=_offer,
        summary="Pictures of a camera as they come, as video over WebRTC, to who offers to look",
        answers={
            200: Answer("The answer, with all addresses; no others follow.", "PeerAnswer"),
            404: Answer("There is no such camera, or aiortc is not installed.", "Error"),
            503: Answer("Too many look on.", "Error"),
        },
        parameters=(
            CAMERA,
            Parameter(
                name="width",
                kind="integer",
                about="In pixels; never more than the camera has.",
                lowest=160,
                highest=_LARGEST,
                default=_LARGEST,
            ),
            DRAWN,
        ),
        body="Offer",
        group="Cameras",
    ),
    Endpoint(
        method="GET",
        path="/api/features",
        answer_with=_features,
        summary="What may be installed or not",
        answers={200: Answer("What there is.", "Features")},
        group="Machine",
    ),
]
