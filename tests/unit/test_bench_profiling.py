"""What the profile's figures are."""

from bench.profiling import shares


def test_the_share_is_that_of_the_function_itself() -> None:
    found = shares(["main (a.py);read (b.py) 3", "main (a.py) 1", "main (a.py);wait (c d.py);read (b.py) 4"])
    assert found == [(7 / 8, "read (b.py)"), (1 / 8, "main (a.py)")]
