"""Asks one server over and over: `python -m bench.load PORT SECONDS CONNECTIONS < requests`, a JSON list of bodies.

Prints JSON: answers, failures, seconds, and the latencies' percentiles in milliseconds.
"""

import asyncio
import itertools
import sys
import time
from dataclasses import dataclass, field

import msgspec
import uvloop


@dataclass
class Tally:
    took: list[float] = field(default_factory=list)
    failed: int = 0


async def ask(port: int, requests: "itertools.cycle[bytes]", tally: Tally, until: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (begun := time.perf_counter()) < until:
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        at = lowered.index(b"content-length:") + 15
        await reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
        tally.took.append(time.perf_counter() - begun)
        tally.failed += not head.startswith(b"HTTP/1.1 200")
    writer.close()


async def main(port: int, seconds: float, connections: int) -> None:
    found = msgspec.json.decode(sys.stdin.buffer.read(), type=list[tuple[str, str, str]])
    requests = itertools.cycle([raw(port, *each) for each in found])
    tally, begun = Tally(), time.perf_counter()
    await asyncio.gather(*(ask(port, requests, tally, begun + seconds) for _ in range(connections)))
    took = sorted(tally.took)
    result = {
        "answers": len(took),
        "failed": tally.failed,
        "seconds": time.perf_counter() - begun,
        "p50": 1000 * took[len(took) // 2],
        "p99": 1000 * took[len(took) * 99 // 100],
    }
    sys.stdout.buffer.write(msgspec.json.encode(result))


def raw(port: int, path: str, authorization: str, body: str) -> bytes:
    content = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/json\r\n"
        "content-type: application/json\r\n"
        f"authorization: {authorization}\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
