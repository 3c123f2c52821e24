"""The gateway process: `python -m app.gateway --data DIR`."""

import argparse
import logging
from functools import partial
from pathlib import Path

from app.children import ready, run_child
from app.keys import public_key_path
from app.settings import Settings
from gateway.auth import Trust
from gateway.server import GatewayConfig, serve
from gateway.throttle import ALLOWED

POOLED = 16
"""Connections to Postgres in each kind of pool, of all workers together: more do not make it faster."""


async def answer(data: Path, listener: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises StartError."""
    settings = Settings.load(data)
    config = GatewayConfig(
        dsn=settings.gateway_dsn,
        host=settings.host,
        port=settings.port,
        trust=trust(settings),
        pool_max=pool_size(settings.workers),
        documents_only=settings.documents_only,
        origins=settings.origins,
        production=settings.production,
        listener=listener,
        shared=settings.workers > 1,
        allowed={**ALLOWED, **settings.limits},
    )
    await serve(config, partial(ready, f"http://{settings.host}:{settings.port}/graphql"))


def pool_size(workers: int) -> int:
    """Connections in each pool of one worker."""
    return min(max(POOLED // workers, 2), 8)


def connections_of(workers: int) -> int:
    """The most that all workers have to Postgres: two pools each, one that listens, one for the throttle."""
    return workers * (2 * pool_size(workers) + 2)


def trust(settings: Settings) -> Trust:
    """The installation's own key unless the user named an issuer."""
    auth = settings.auth
    if auth is None:
        return Trust(public_key=str(public_key_path(settings.data)))
    return Trust(auth.public_key, auth.jwks, auth.issuer, auth.audience, auth.role_claim)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.gateway", description="Serves the graph as GraphQL.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--listener", type=int, help="the descriptor of a socket that listens; else it makes one")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run_child(partial(answer, arguments.data, arguments.listener))


if __name__ == "__main__":
    main()
