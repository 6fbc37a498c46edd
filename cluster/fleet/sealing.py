"""Seal what only one worker may read, so that whoever carries it, stores it or logs it cannot.

A worker makes a pair of keys that never leaves its memory, and tells the public one. What is sealed
for that key, by libsodium's sealed boxes (X25519, XSalsa20, Poly1305), only this worker can open.
See https://pynacl.readthedocs.io/en/latest/public/#nacl-public-sealedbox.
"""

from __future__ import annotations

import pickle
from typing import Any

from nacl.public import PrivateKey, PublicKey, SealedBox


class Seal:
    """One who can open what is sealed for them.

    Attributes:
        public_key: for `sealed`; 32 bytes.
    """

    def __init__(self) -> None:
        private_key = PrivateKey.generate()
        self.public_key = bytes(private_key.public_key)
        self._box = SealedBox(private_key)

    def opened(self, content: bytes) -> Any:
        """What was sealed.

        Raises:
            nacl.exceptions.CryptoError: it was sealed for somebody else, or has been changed.
        """
        return pickle.loads(self._box.decrypt(content))  # whoever may call a worker runs code there


def sealed(what: Any, public_key: bytes) -> bytes:
    """Something that can be pickled, which only the owner of this key can open."""
    content = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
    return bytes(SealedBox(PublicKey(public_key)).encrypt(content))
