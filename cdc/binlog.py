"""A place in MariaDB's binary log as one number: the file's in the upper bits, the offset in it below."""

_BITS = 32
"""Offsets are written in four bytes of an event's header."""


def binlog_log(file: str, pos: int) -> int:
    """`binlog.000007`, 4 → 7 << 32 | 4. Files are numbered on and on, so it rises with the log."""
    return file_number(file) << _BITS | pos


def file_number(file: str) -> int:
    return int(file.rpartition(".")[2])


def binlog_file(log: int) -> tuple[int, int]:
    """The number of the file and the offset in it."""
    return log >> _BITS, log & ((1 << _BITS) - 1)
