"""What is posted of an event, and how it is signed, see `rtaction.serve.sinks.webhooks`."""

from __future__ import annotations

import hashlib
import hmac
import json

from rtaction.serve.house.record import EventRecord, Phase

SIGNATURE_HEADER = "X-Rtaction-Signature"


def body_of(record: EventRecord, phase: Phase) -> bytes:
    """What is posted of an event."""
    message = {"type": "event", "schema_version": 1, "phase": phase, "event": record.to_dict()}
    return json.dumps(message).encode()


def signature(secret: bytes, at_seconds: int, body: bytes) -> str:
    """The value of the header with the signature.

    Args:
        secret: the key.
        at_seconds: time of the attempt, since 1970.
        body: what is posted.
    """
    digest = hmac.new(secret, b"%d." % at_seconds + body, hashlib.sha256).hexdigest()
    return f"t={at_seconds},v1={digest}"


def key_of(record: EventRecord, phase: Phase, body: bytes) -> str:
    """What is posted is known by this; an event starts and ends once, but may change often."""
    if phase != "change":
        return f"{record.id}-{phase}"
    return f"{record.id}-{phase}-{hashlib.sha256(body).hexdigest()[:12]}"
