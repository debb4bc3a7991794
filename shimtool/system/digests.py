"""SHA-256, loaded when something is hashed: OpenSSL takes 3 ms, and not every command hashes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash


def sha256(data: bytes = b"") -> "_Hash":
    """Begin a hash, with `data` in it, as hashlib.sha256 does."""
    import hashlib  # noqa: PLC0415 - see above

    return hashlib.sha256(data)
