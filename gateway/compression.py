"""Smaller answers for those who can read them: zstd, else gzip."""

import gzip
from functools import lru_cache

import zstandard

from gateway.asgi import Headers, weights

WORTH = 1024
"""Bytes from which on it is worth it."""

_GZIP_LEVEL, _ZSTD_LEVEL = 4, 3


def compressed(body: bytes, accepted: str | None) -> tuple[bytes, Headers]:
    """The body as the Accept-Encoding header `accepted` allows it, and the header that says how."""
    match _coding(accepted) if len(body) >= WORTH else None:
        case "zstd":
            return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body), ((b"content-encoding", b"zstd"),)
        case "gzip":
            return gzip.compress(body, _GZIP_LEVEL, mtime=0), ((b"content-encoding", b"gzip"),)
    return body, ()


@lru_cache(256)
def _coding(accepted: str | None) -> str | None:
    wishes = weights(accepted)
    zstd, zipped = (wishes.get(name, wishes.get("*", 0.0)) for name in ("zstd", "gzip"))
    if zstd > 0 and zstd >= zipped:
        return "zstd"
    return "gzip" if zipped > 0 else None
