"""Smaller answers for those who can read them: zstd, else gzip."""

import gzip

import zstandard

from gateway.asgi import Headers, weights

WORTH = 1024
"""Bytes from which on it is worth it."""

_GZIP_LEVEL, _ZSTD_LEVEL = 4, 3


def compressed(body: bytes, accepted: str | None) -> tuple[bytes, Headers]:
    """The body as the Accept-Encoding header `accepted` allows it, and the header that says how."""
    if len(body) < WORTH:
        return body, ()
    wishes = weights(accepted)
    zstd, zipped = (wishes.get(name, wishes.get("*", 0.0)) for name in ("zstd", "gzip"))
    if zstd > 0 and zstd >= zipped:
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body), ((b"content-encoding", b"zstd"),)
    if zipped > 0:
        return gzip.compress(body, _GZIP_LEVEL, mtime=0), ((b"content-encoding", b"gzip"),)
    return body, ()
