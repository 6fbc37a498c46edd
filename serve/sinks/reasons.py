"""Why a server cannot be reached, for a person, and without anything that the server has said."""

from __future__ import annotations

import http.client
import socket
import ssl


def reason_of(error: Exception) -> str:
    """Why a connection failed; `error` is of sockets, TLS or HTTP.

    Texts of other libraries may repeat an address with its password, so none is passed on but those
    of the operating system and of OpenSSL.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__}); is this its port for TLS?"
    if isinstance(error, socket.gaierror):
        return "its name cannot be found; check the name, and the network"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at its address; is it running?"
    if isinstance(error, ConnectionError):
        return "it ended the connection"
    if isinstance(error, http.client.HTTPException):
        return "what it answers is not HTTP"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
