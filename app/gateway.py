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


async def answer(data: Path) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises StartError."""
    settings = Settings.load(data)
    config = GatewayConfig(
        dsn=settings.gateway_dsn,
        host=settings.host,
        port=settings.port,
        trust=trust(settings),
        allowed={**ALLOWED, **settings.limits},
    )
    await serve(config, partial(ready, f"http://{settings.host}:{settings.port}/graphql"))


def trust(settings: Settings) -> Trust:
    """The installation's own key unless the user named an issuer."""
    auth = settings.auth
    if auth is None:
        return Trust(public_key=str(public_key_path(settings.data)))
    return Trust(auth.public_key, auth.jwks, auth.issuer, auth.audience, auth.role_claim)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.gateway", description="Serves the graph as GraphQL.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run_child(partial(answer, arguments.data))


if __name__ == "__main__":
    main()
