"""How often a process is searched for garbage."""

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 20
"""New objects until the youngest are searched, and how often that is done until the older ones are."""


def search_rarely() -> None:
    """For a process that makes and keeps much, next to none of it in circles. What is there already is left alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
