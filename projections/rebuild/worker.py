"""A worker process of a rebuild: it does what it is told, one job after the other."""

import asyncio
import gc
import os
import sys
from multiprocessing.connection import Connection as Pipe
from threading import Thread

from projections.rebuild.crew import Hand


def main() -> None:
    """Its argument is the descriptor of the socket that the jobs come by; stdin is open as long as its parent lives."""
    Thread(target=_end_with_parent, name="orphan-watch", daemon=True).start()
    asyncio.run(serve(Pipe(int(sys.argv[1]))))


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


async def serve(pipe: Pipe) -> None:
    connect, mappings = pipe.recv()
    hand: Hand | None = None
    while True:
        try:
            job = pipe.recv()  # there is nothing else to do meanwhile
        except EOFError:
            return
        try:
            if hand is None:
                hand = Hand(await connect(), mappings)
                gc.freeze()  # what is loaded by now stays: it need not be searched for garbage again and again
            pipe.send(await job(hand))
        except Exception as error:
            pipe.send(error)


if __name__ == "__main__":
    main()
