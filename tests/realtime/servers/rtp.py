"""What an RTSP camera says: pictures as H.264 in RTP packets, and answers to requests.

H.264 is cut by RFC 6184 and for a TCP connection framed by RFC 2326 (10.12); requests and logins
are those of HTTP too. Nothing is sent from here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import io
import math
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

import av
import numpy as np
import numpy.typing as npt

Picture = Callable[[float, tuple[int, int]], npt.NDArray[Any]]
"""Makes the uint8 RGB picture of a stream time in seconds and a size (height, width)."""

DARK, BRIGHT, NOISE = 40, 210, 20
CLOCK_HZ = 90_000
"""Ticks of RTP time in a second."""
# Below a key picture of the default size, so that small pictures are fragmented too.
MAX_PAYLOAD_BYTES = 1200

REALM = "test camera"
_FU_A, _FU_START, _FU_END = 28, 0x80, 0x40
_PAYLOAD_TYPE = 96
_SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=camera
c=IN IP4 0.0.0.0
t=0 0
a=control:*
m=video 0 RTP/AVP {payload_type}
a=rtpmap:{payload_type} {codec}/{clock_hz}
a=fmtp:{payload_type} packetization-mode=1
a=control:track1
""".replace("\n", "\r\n")


def default_picture(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A gray with fine noise: its mean is 40 in even seconds of stream time, 210 in odd ones."""
    noise = np.random.default_rng(round(seconds * CLOCK_HZ) % 2**32)
    mean = BRIGHT if math.floor(seconds) % 2 else DARK
    gray = mean + noise.integers(-NOISE, NOISE + 1, (*size_hw, 1))
    return np.repeat(gray.astype(np.uint8), 3, axis=2)


class H264Encoder:
    """H.264 without B-pictures or delay, in one slice; key pictures carry SPS and PPS.

    Args:
        size_hw: height and width in pixels, both even.
        gop: pictures from one key picture to the next. Default 10.
    """

    def __init__(self, size_hw: tuple[int, int], *, gop: int = 10) -> None:
        context: Any = av.CodecContext.create("libx264", "w")
        context.height, context.width = self.size_hw = size_hw
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, CLOCK_HZ)
        context.framerate = Fraction(25)
        context.gop_size = gop
        context.max_b_frames = 0
        context.thread_count = 1
        context.options = {"preset": "ultrafast", "tune": "zerolatency"}
        self._context = context

    def encode(self, image_rgb: npt.NDArray[Any], seconds: float) -> bytes:
        """The NAL units, with start codes, of the picture (uint8 RGB) of a time."""
        frame = av.VideoFrame.from_ndarray(image_rgb, format="rgb24")
        frame.pts = round(seconds * CLOCK_HZ)
        frame.time_base = Fraction(1, CLOCK_HZ)
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


def h264_payloads(unit: bytes) -> list[bytes]:
    """Cut the NAL units of one picture into RTP payloads."""
    payloads = []
    for nal in filter(None, re.split(rb"\x00?\x00\x00\x01", unit)):
        if len(nal) <= MAX_PAYLOAD_BYTES:
            payloads.append(nal)
            continue
        starts = range(1, len(nal), MAX_PAYLOAD_BYTES)
        for start in starts:
            flags = (start == 1) * _FU_START | (start == starts[-1]) * _FU_END
            head = bytes((nal[0] & 0xE0 | _FU_A, flags | nal[0] & 0x1F))
            payloads.append(head + nal[start : start + MAX_PAYLOAD_BYTES])
    return payloads


class RtpStream:
    """Numbers and stamps the packets of one client's stream; the numbers soon wrap at 65536."""

    def __init__(self) -> None:
        self.channel = 0
        self.port: int | None = None
        self.next_sequence = 65_500

    def packets(self, payloads: list[bytes], timestamp: int) -> list[bytes]:
        """The packets of one picture; the last one is marked.

        Args:
            payloads: of `h264_payloads`.
            timestamp: ticks of `CLOCK_HZ`; only the low 32 bits are sent.
        """
        packets = []
        for left, payload in zip(reversed(range(len(payloads))), payloads, strict=True):
            kind = _PAYLOAD_TYPE | (0 if left else 0x80)
            head = struct.pack(">BBHII", 0x80, kind, self.next_sequence, timestamp % 2**32, 0x5EED)
            packets.append(head + payload)
            self.next_sequence = (self.next_sequence + 1) % 2**16
        return packets

    def framed(self, packets: list[bytes]) -> bytes:
        """Packets as they are sent within the connection."""
        heads = (struct.pack(">cBH", b"$", self.channel, len(packet)) for packet in packets)
        return b"".join(head + packet for head, packet in zip(heads, packets, strict=True))


@dataclass(frozen=True, slots=True)
class Request:
    """The head of an RTSP or HTTP request."""

    method: str
    target: str
    headers: http.client.HTTPMessage = field(repr=False)

    @property
    def path(self) -> str:
        """The path of the target, which is a whole address in RTSP."""
        return urlsplit(self.target).path

    @property
    def channel(self) -> int | None:
        """Where a SETUP wants the packets in its connection; None where it wants them by UDP."""
        wanted = self.headers.get("Transport", "")
        found = re.search(r"interleaved=(\d+)", wanted)
        return int(found[1]) if found else 0 if "RTP/AVP/TCP" in wanted else None

    @property
    def ports(self) -> tuple[int, int] | None:
        """The client's ports for RTP and RTCP that a SETUP names; None where it wants no UDP."""
        found = re.search(r"client_port=(\d+)-(\d+)", self.headers.get("Transport", ""))
        return (int(found[1]), int(found[2])) if found and self.channel is None else None


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read one request; RTCP reports before it, and its body, are thrown away.

    Raises:
        asyncio.IncompleteReadError: the client left.
    """
    while (begun := await reader.readexactly(1)) == b"$":
        channel_and_size = await reader.readexactly(3)
        await reader.readexactly(int.from_bytes(channel_and_size[1:], "big"))
    first_line, _, rest = (begun + await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
    method, target, _ = first_line.decode("latin-1").split(" ")
    headers = http.client.parse_headers(io.BytesIO(rest))
    await reader.readexactly(int(headers.get("Content-Length", 0)))
    return Request(method, target, headers)


def answer(protocol: str, status: int, headers: dict[str, object], body: bytes = b"") -> bytes:
    """An answer such as "RTSP/1.0" 404; where `headers` tell no Content-Length, the body's."""
    # 461 is of RTSP alone.
    reason = "Unsupported Transport" if status == 461 else HTTPStatus(status).phrase
    headers = {"Content-Length": len(body)} | headers
    lines = [f"{protocol} {status} {reason}", *(f"{key}: {headers[key]}" for key in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def rtsp_answer(
    request: Request, status: int, login: Login, rtp_info: str, server_port: int | None = None
) -> bytes:
    """The answer to a request that ends with this status; packets come from a port by UDP."""
    headers: dict[str, object] = {"CSeq": request.headers.get("CSeq", "0")}
    body = ""
    if status == 401:
        headers["WWW-Authenticate"] = login.challenge
    elif status == 200 and request.method == "OPTIONS":
        headers["Public"] = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN"
    elif status == 200 and request.method == "DESCRIBE":
        codec = "X-UNHEARD-OF" if request.path.startswith("/odd") else "H264"
        body = _SDP.format(payload_type=_PAYLOAD_TYPE, codec=codec, clock_hz=CLOCK_HZ)
        headers |= {"Content-Type": "application/sdp", "Content-Base": f"{request.target}/"}
    elif status == 200:
        headers["Session"] = "5EED;timeout=60"
        if request.method == "SETUP":
            channels = f"{request.channel}-{(request.channel or 0) + 1}"
            headers["Transport"] = f"RTP/AVP/TCP;unicast;interleaved={channels}"
            if request.ports is not None:
                ports = "client_port={}-{}".format(*request.ports)
                headers["Transport"] = (
                    f"RTP/AVP;unicast;{ports};server_port={server_port}-{(server_port or 0) + 1}"
                )
        if request.method == "PLAY":
            headers["RTP-Info"] = f"url={request.target.rstrip('/')}/track1;{rtp_info}"
    return answer("RTSP/1.0", status, headers, body.encode())


@dataclass(frozen=True, slots=True)
class Login:
    """Who may see a stream (None: everybody), and how they say so: "basic" or "digest"."""

    user: str | None
    password: str | None = field(repr=False)
    scheme: str
    nonce: str = field(default_factory=partial(secrets.token_hex, 8), repr=False)

    @property
    def challenge(self) -> str:
        """What stands in WWW-Authenticate."""
        nonce = f', nonce="{self.nonce}"' if self.scheme == "digest" else ""
        return f'{self.scheme.title()} realm="{REALM}"{nonce}'

    def allows(self, request: Request) -> bool:
        """Whether the request shows the right name and password (RFC 2617)."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if self.user is None or scheme.lower() != self.scheme:
            return self.user is None
        if self.scheme == "basic":
            return given == base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        parts = parse_keqv_list(parse_http_list(given))
        who = _md5(f"{self.user}:{REALM}:{self.password}")
        what = _md5(f"{request.method}:{parts.get('uri')}")
        return parts.get("response") == _md5(f"{who}:{self.nonce}:{what}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
