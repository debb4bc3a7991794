"""SHA-256, loaded when something is hashed: OpenSSL takes 3 ms, and not every command hashes."""

from io import BufferedReader
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from hashlib import _Hash


def sha256(data: bytes = b"") -> "_Hash":
    """Begin a hash, with `data` in it, as hashlib.sha256 does."""
    import hashlib  # noqa: PLC0415 - see above

    return hashlib.sha256(data)


def sha256_of(source: BinaryIO) -> str:
    """Hash an open file from its start to its end; return the SHA-256 in hex."""
    import hashlib  # noqa: PLC0415 - see above

    source.seek(0)
    return hashlib.file_digest(cast("BufferedReader", source), sha256).hexdigest()
