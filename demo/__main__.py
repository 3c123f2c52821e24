"""The two source systems on servers of their own, and a story that moves them: `python -m demo --erp DSN --east DSN`.

The DSNs are of administrators. Passwords of the systems' users and of capture come from the environment.
"""

import argparse
import asyncio
import os

from demo.databases import create_database
from demo.player import play
from demo.story import Story


async def tell(erp: str, east: str, story: Story, rate: float | None) -> None:
    """To its end; goes on where it was when it was ended before."""
    capture = os.environ["CAPTURE_PASSWORD"]
    users = [
        await create_database(erp, "erp", os.environ["ERP_APP_PASSWORD"], capture, "erp"),
        await create_database(east, "east", os.environ["EAST_APP_PASSWORD"], capture, "east"),
    ]
    await play(story, *users, rate=rate)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Tells the demo's story to two databases.")
    parser.add_argument("--erp", required=True, help="DSN of the administrator of the ERP's server")
    parser.add_argument("--east", required=True, help="DSN of the administrator of the 3PL's server")
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, help="orders a second; as fast as it goes without it")
    arguments = parser.parse_args()
    story = Story(seed=arguments.seed, orders=arguments.orders)
    asyncio.run(tell(arguments.erp, arguments.east, story, arguments.rate))


if __name__ == "__main__":
    main()
