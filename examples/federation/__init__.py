"""Milepost beside two neighbors, composed behind a router: see docs/federation.md."""
