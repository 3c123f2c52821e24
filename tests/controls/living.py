"""Processes that are to be signalled."""

import psutil


def running(pid: int | None) -> int:
    """The pid, which is one: to signal 0 is to signal the tests themselves."""
    assert pid, "there is no such process just now"
    return pid


def is_stopped(pid: int) -> bool:
    """By SIGSTOP, and not continued."""
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED
