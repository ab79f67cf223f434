"""Sealing what people said: nobody who has only the data folder can read it, or tell whose it is.

A row is found by an HMAC of what its owner holds (a reply's id, a recording), never by that itself; its content is
sealed by AES-256-GCM under a key derived (HKDF-SHA256) from the same. Both also need the ledger's own secret, so that
somebody with neither the secret nor the id has noise. Knows no table and no file.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
_NONCE_BYTES = 12
SEALED_MORE_BYTES = _NONCE_BYTES + 16
"""By so much what is sealed is longer than what it was: a nonce before it and a tag after it."""


class Seal:
    """Row keys, owners and sealed bytes under one secret of `SECRET_BYTES` random bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def row_key(self, kind: str, *parts: bytes) -> bytes:
        """32 bytes by which a row of `kind` is found; they tell nothing of `parts`."""
        # Each part by its digest, so that no two lists of parts run together to the same bytes.
        digests = b"".join(hashlib.sha256(part).digest() for part in (kind.encode(), *parts))
        return hmac.digest(self._secret, b"row" + digests, "sha256")

    def owner(self, token: str) -> bytes:
        """Whoever sends `token` as bearer, as 32 bytes that don't give the token away."""
        return hmac.digest(self._secret, b"owner" + token.encode(), "sha256")

    def close(self, material: bytes, plain: bytes, label: bytes) -> bytes:
        """`plain` sealed for those who know `material`; `label` ties it to its place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher(material).encrypt(nonce, plain, label)

    def open(self, material: bytes, sealed: bytes, label: bytes) -> bytes | None:
        """What was sealed; None if it was damaged, moved to another place, or sealed for somebody else."""
        try:
            return self._cipher(material).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label)
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, material: bytes) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, self._secret, b"vivavoce ledger").derive(material))
