"""Pictures of a camera as video over WebRTC, encoded for each who looks."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from fractions import Fraction
from time import monotonic

import numpy as np
import numpy.typing as npt
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from anyio.to_thread import run_sync
from av import VideoFrame
from starlette.exceptions import HTTPException

from rtaction.errors import NoSuchThing, UsageError
from rtaction.serve.web.front_desk import FrontDesk
from rtaction.serve.web.pictures import Key

_PERIOD_SECONDS = 1 / 15
_REPEAT_SECONDS = 1.0
_LOOK_SECONDS = 0.1
_TICKS_PER_SECOND = 90_000  # as RFC 3551 has it for video
_CODECS = ("video/VP8", "video/rtx")  # half the work of H.264; browsers have both by RFC 7742
_log = logging.getLogger(__name__)


async def open_peer(desk: FrontDesk, key: Key, sdp: str, *, patience_seconds: float = 10.0) -> str:
    """Answer the offer of one who wants to look; the place among the streams is theirs until they
    go.

    Args:
        desk: who has the pictures and the places.
        key: which pictures.
        sdp: their offer, of one video. Addresses in it are left out: who wants pictures has to
            ask for them from where they are, so that nothing is sent to where somebody says.
        patience_seconds: within which they have to connect. Default 10. Who then vanishes without
            a word is given up by ICE after some 30 s (RFC 7675).

    Returns:
        The answer, with all addresses of this machine but those of loopback.

    Raises:
        UsageError: it is no such offer.
        HTTPException: too many look on, or this machine has no network; 503.
    """
    offer = RTCSessionDescription(_without_addresses(sdp), "offer")
    with ExitStack() as place:
        place.enter_context(desk.peer())
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # None would be Google's
        track = CameraTrack(desk, key)
        try:
            peer.addTrack(track)
            (transceiver,) = peer.getTransceivers()
            transceiver.direction = "sendonly"
            transceiver.setCodecPreferences(_vp8())
            await _negotiate(peer, offer)
        except BaseException:
            await peer.close()
            raise
        desk.keep(_stay(desk, peer, track, patience_seconds, place.pop_all()))
    return peer.localDescription.sdp


class CameraTrack(MediaStreamTrack):
    """The newest pictures of a camera, at most 15 a second, asked for only while they are sent.

    One that stays the same is sent once a second, so that who looks knows that nothing is lost.

    Args:
        desk: who has them.
        key: which.
    """

    kind = "video"

    def __init__(self, desk: FrontDesk, key: Key) -> None:
        super().__init__()
        self._desk = desk
        self._key = key
        self._started = self._due = monotonic()
        self._sent = (-1, 0.0)

    async def recv(self) -> VideoFrame:
        """The next one.

        Raises:
            MediaStreamError: there are no more.
        """
        while self.readyState == "live" and not self._desk.has_ended:
            await self._desk.pause(max(self._due - monotonic(), 0.0))
            self._due = max(self._due, monotonic() - _PERIOD_SECONDS) + _PERIOD_SECONDS
            try:
                image = await self._desk.images.get(
                    self._key, max_age_seconds=0.8 * _PERIOD_SECONDS
                )
            except NoSuchThing:
                break
            now = monotonic()
            number, sent_seconds = self._sent
            if image is None or (image.number == number and now < sent_seconds + _REPEAT_SECONDS):
                continue
            self._sent = (image.number, now)
            frame: VideoFrame = await run_sync(_frame_of, image.pixels)
            frame.pts = round((now - self._started) * _TICKS_PER_SECOND)
            frame.time_base = Fraction(1, _TICKS_PER_SECOND)
            return frame
        self.stop()
        raise MediaStreamError


def _vp8() -> list[RTCRtpCodecCapability]:
    known = RTCRtpSender.getCapabilities("video").codecs
    return [one for one in known if one.mimeType in _CODECS]


def _frame_of(pixels: npt.NDArray[np.uint8]) -> VideoFrame:
    height, width = pixels.shape[:2]
    even = pixels[: height // 2 * 2, : width // 2 * 2]  # as colours have half of it
    return VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")


def _without_addresses(sdp: str) -> str:
    lines = sdp.splitlines()
    media = [line for line in lines if line.startswith("m=")]
    if len(media) != 1 or not media[0].startswith("m=video "):
        raise UsageError(f"sdp: expected an offer of one video and no more, got {len(media)} media")
    if not any(line.startswith("a=fingerprint:") for line in lines):
        raise UsageError("sdp: expected an a=fingerprint of who offers; there is none")
    left_out = ("a=candidate:", "a=end-of-candidates")
    return "\r\n".join([*(line for line in lines if not line.startswith(left_out)), ""])


async def _negotiate(peer: RTCPeerConnection, offer: RTCSessionDescription) -> None:
    try:
        await peer.setRemoteDescription(offer)
        answer = await peer.createAnswer()
        await peer.setLocalDescription(answer)  # waits for all addresses of this machine
    except OSError as error:
        raise HTTPException(
            503, f"no connection of this machine can be used: {error.strerror or error}"
        ) from None
    except Exception as error:  # the library raises whatever its parser stumbles over
        _log.debug("an offer is not understood", exc_info=True)
        raise UsageError(
            "sdp: expected an offer of a WebRTC peer that receives a video in VP8, with ICE and "
            f"DTLS; it is not understood ({type(error).__name__})"
        ) from None


async def _stay(
    desk: FrontDesk,
    peer: RTCPeerConnection,
    track: CameraTrack,
    patience_seconds: float,
    place: ExitStack,
) -> None:
    """Keep the place until they go, the pictures end, or nobody connects."""
    with place:
        connected = monotonic()
        try:
            while (
                not desk.has_ended
                and track.readyState == "live"
                and peer.connectionState not in ("failed", "closed")
                and monotonic() - connected < patience_seconds
            ):
                await desk.pause(_LOOK_SECONDS)
                if peer.connectionState == "connected":
                    connected = monotonic()
        finally:
            await peer.close()
