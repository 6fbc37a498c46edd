"""What `rtaction serve` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rtaction.choices import Option

_PAGE = "Page"
_EVENTS = "Events"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What `rtaction serve` is asked to do; each field's `Option` says what it does."""

    sources: Annotated[
        tuple[str, ...],
        Option(
            "Webcam number, video file, rtsp:// or http://; may be repeated. Default: 0, the "
            "first webcam.",
            names=("--source", "-s"),
        ),
    ] = ()
    cameras_file: Annotated[
        Path | None,
        Option(
            "Cameras, the settings of their events and who is told of them: a cameras.toml, see "
            "docs/serve.md. It is read anew on SIGHUP and from the page.",
            names=("--sources",),
        ),
    ] = None
    host: Annotated[
        str,
        Option("Address to listen on; any but this machine's own needs a token.", _PAGE),
    ] = "127.0.0.1"
    port: Annotated[
        int, Option("Port to listen on; 0 is any free one.", _PAGE, minimum=0, maximum=65_535)
    ] = 8090
    token_env: Annotated[
        str | None,
        Option("Environment variable with the token that the page asks for.", _PAGE),
    ] = None
    token_file: Annotated[Path | None, Option("File with that token instead.", _PAGE)] = None
    allowed_hosts: Annotated[
        tuple[str, ...],
        Option(
            "Another name under which browsers may ask for the page, such as that of a proxy; may "
            "be repeated.",
            _PAGE,
            names=("--allowed-host",),
        ),
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...],
        Option(
            "Another site whose pages may use this one, such as https://home.example; may be "
            "repeated.",
            _PAGE,
            names=("--allowed-origin",),
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Option(
            "Address or network of a proxy that may tell for whom it asks (X-Forwarded-For and "
            "-Proto); may be repeated.",
            _PAGE,
            names=("--trusted-proxy",),
        ),
    ] = ()
    tls_cert: Annotated[
        Path | None, Option("Certificate (PEM), to serve the page by TLS.", _PAGE)
    ] = None
    tls_key: Annotated[
        Path | None, Option("Its key. Default: in the file of the certificate.", _PAGE)
    ] = None
    folder: Annotated[
        Path,
        Option("Folder of events, clips and corrections, created if missing.", _EVENTS),
    ] = Path("rtaction-events")
    clips: Annotated[
        bool,
        Option(
            "Keep a short video and a picture of each event, or none.",
            _EVENTS,
            names=("--clips/--no-clips",),
        ),
    ] = True
