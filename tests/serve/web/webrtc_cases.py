"""Pictures over WebRTC, by a peer that is a real one; run by test_webrtc.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest

from rtaction.serve.web.options import Limits, WebOptions
from rtaction.serve.web.routes import webrtc
from rtaction.serve.web.server import WebServer
from tests.serve.fake_house import FakeHouse
from tests.serve.web.checked import checked_client
from tests.serve.web.conftest import TOKEN, Serve
from tests.serve.web.waiting import WAIT_SECONDS, until

aiortc = pytest.importorskip("aiortc", reason="no aiortc")
aioice = pytest.importorskip("aioice.ice")
HAS_ADDRESS = bool(aioice.get_host_addresses(use_ipv4=True, use_ipv6=True))
needs_address = pytest.mark.skipif(not HAS_ADDRESS, reason="no address but that of loopback")
PATH = "/api/cameras/front-door/webrtc"


def ask(server: WebServer, sdp: Any, path: str = PATH, **options: Any) -> httpx.Response:
    with checked_client(server.url, **options) as client:
        return client.post(path, json={"type": "offer", "sdp": sdp})


async def offer_of(peer: Any, *kinds: str) -> str:
    for kind in kinds:
        peer.addTransceiver(kind, direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    sdp: str = peer.localDescription.sdp
    return sdp


def an_offer(*kinds: str) -> str:
    async def make() -> str:
        peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        sdp = await offer_of(peer, *kinds)
        await peer.close()
        return sdp

    return asyncio.run(make())


def look(server: WebServer, then: Callable[[Any], Awaitable[None]], path: str = PATH) -> None:
    """Connect, and do something with the track."""

    async def run() -> None:
        peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        tracks: list[Any] = []
        peer.on("track", tracks.append)
        sdp = await offer_of(peer, "video")
        answer = await asyncio.to_thread(ask, server, sdp, path)
        assert answer.status_code == 200, answer.text
        await peer.setRemoteDescription(aiortc.RTCSessionDescription(**answer.json()))
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await then(tracks[0])
        finally:
            await peer.close()

    asyncio.run(run())


async def until_it_ends(track: Any) -> None:
    with suppress(aiortc.mediastreams.MediaStreamError):
        while True:
            await track.recv()


@needs_address
def test_pictures_come_until_the_peer_goes(serve: Serve, house: FakeHouse) -> None:
    server = serve()
    seen: list[npt.NDArray[np.uint8]] = []
    times: list[float] = []

    async def take(track: Any) -> None:
        for _ in range(3):
            frame = await track.recv()
            seen.append(frame.to_ndarray(format="rgb24"))
            times.append(frame.time)
        assert server.num_viewers == 1

    look(server, take, f"{PATH}?width=320&drawn=1")
    wanted = house.image("front-door", width=320, is_drawn=True)
    assert wanted is not None
    assert seen[-1].shape == wanted.pixels.shape == (180, 320, 3)
    # The upper left corner stands still. VP8 keeps its colour but for some steps of 255.
    corner = (slice(40), slice(60))
    assert seen[-1][corner].mean((0, 1)) == pytest.approx(wanted.pixels[corner].mean((0, 1)), abs=8)
    assert times == sorted(set(times))
    until(lambda: server.num_viewers == 0)
    asked = house.num_pictures["front-door"]
    time.sleep(0.3)
    assert house.num_pictures["front-door"] == asked


@needs_address
def test_a_camera_that_goes_ends_them(serve: Serve, house: FakeHouse) -> None:
    server = serve()

    async def take(track: Any) -> None:
        await track.recv()
        del house.views["front-door"]
        await until_it_ends(track)

    look(server, take, f"{PATH}?width=160")
    until(lambda: server.num_viewers == 0)


@needs_address
def test_the_end_of_the_server_ends_them(serve: Serve) -> None:
    server = serve()

    async def take(track: Any) -> None:
        await track.recv()
        await asyncio.to_thread(server.stop)
        assert not server._thread.is_alive()
        assert server.num_viewers == 0
        await until_it_ends(track)

    look(server, take, f"{PATH}?width=160")


def test_who_never_connects_loses_the_place(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    from rtaction.serve.web import peers

    def impatient(*asked: Any) -> Awaitable[str]:
        return peers.open_peer(*asked, patience_seconds=0.5)

    monkeypatch.setattr(webrtc, "_opener", lambda: impatient)
    server = serve(limits=Limits(num_peers=1))
    sdp = an_offer("video")
    answer = ask(server, sdp)
    assert answer.status_code == 200
    assert server.num_viewers == 1
    assert ask(server, sdp).status_code == 503
    until(lambda: server.num_viewers == 0)


def test_only_an_offer_of_one_video_is_taken(serve: Serve) -> None:
    server = serve()
    good = an_offer("video")
    bad = (
        *("", "nonsense", 7, an_offer("audio"), an_offer("video", "audio")),
        good.replace("a=ice-ufrag", "a=ice-nothing"),
        good.replace("VP8", "VP7"),
        good.replace("a=fingerprint", "a=finger"),
    )
    for sdp in bad:
        answer = ask(server, sdp)
        assert answer.status_code == 400, sdp
        assert "expected" in answer.json()["error"]
    with checked_client(server.url) as client:
        assert client.post(PATH, json={"type": "answer", "sdp": good}).status_code == 400
    assert ask(server, good, "/api/cameras/attic/webrtc").status_code == 404
    assert ask(server, good, f"{PATH}?width=4000").status_code == 400
    assert server.num_viewers == 0


def test_nothing_is_sent_to_where_an_offer_says() -> None:
    from rtaction.serve.web.peers import _without_addresses

    mark = "a=fingerprint:sha-256 00\r\n"
    line = "a=candidate:1 1 udp 2130706431 192.0.2.77 9 typ host\r\n"
    sdp = f"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n{mark}{line}a=end-of-candidates\r\n"
    assert _without_addresses(sdp) == f"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n{mark}"


def test_who_has_no_token_or_comes_from_elsewhere_is_refused(serve: Serve) -> None:
    server = serve(WebOptions(port=0, token=TOKEN))
    assert ask(server, "").status_code == 401
    elsewhere = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://example.org"}
    assert ask(server, "", headers=elsewhere).status_code == 403


def test_without_aiortc_it_says_what_to_install(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    with checked_client(server.url) as client:
        assert client.get("/api/features").json() == {"webrtc": True}
        monkeypatch.setattr(webrtc, "find_spec", lambda name: None)
        assert client.get("/api/features").json() == {"webrtc": False}
    answer = ask(server, "")
    assert answer.status_code == 404
    assert "[webrtc]" in answer.json()["error"]
