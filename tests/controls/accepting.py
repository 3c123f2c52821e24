"""A process that accepts one command, as a gateway does: `python -m tests.controls.accepting DSN KEY`."""

import asyncio
import sys

import asyncpg

from commands.log import accept
from tests.controls import commands as controls


async def main(dsn: str, key: str) -> None:
    db = await asyncpg.connect(dsn)
    command = await accept(db, controls.hold(key))
    sys.stdout.write(command.id)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
