from __future__ import annotations

import pickle

import pytest
from nacl.exceptions import CryptoError

from rtaction.cluster.fleet.sealing import Seal, sealed
from rtaction.realtime.cameras.address import Address

ADDRESS = Address("rtsp", "rtsp://admin:zq7secret@camera/live", "camera")


def test_only_the_owner_of_the_key_can_open_what_is_sealed() -> None:
    owner, other = Seal(), Seal()
    content = sealed(ADDRESS, owner.public_key)
    assert b"zq7secret" in pickle.dumps(ADDRESS)
    assert b"zq7secret" not in content
    assert owner.opened(content) == ADDRESS
    with pytest.raises(CryptoError):
        other.opened(content)


def test_what_was_changed_on_the_way_is_not_opened() -> None:
    owner = Seal()
    content = bytearray(sealed(ADDRESS, owner.public_key))
    content[-1] ^= 1
    with pytest.raises(CryptoError):
        owner.opened(bytes(content))
