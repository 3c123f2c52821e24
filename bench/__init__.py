"""Measurements, each beside a peer in the same run; results/*.json is written by the runs."""
