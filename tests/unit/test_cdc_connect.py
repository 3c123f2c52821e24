"""A worker of Kafka Connect that cannot answer just now is asked again; what it refuses is said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from cdc.connect import Connect
from orders.errors import RejectedError

EXPECTED = "Request cannot be completed because a rebalance is expected"
CONFIG = {"name": "milepost.erp"}


@contextmanager
def worker(*answers: tuple[int, object]) -> Iterator[str]:
    """The URL of one that answers so, one request after the other."""
    left = iter(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = next(left)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [409, 500])
async def test_it_is_asked_again_while_work_is_shared_out(status: int) -> None:
    busy = (status, {"error_code": status, "message": EXPECTED})
    with worker(busy, busy, (200, CONFIG)) as url:
        assert await Connect(url).config("milepost.erp") == CONFIG


async def test_what_it_refuses_is_said() -> None:
    broken = (500, {"error_code": 500, "message": "it is broken"})
    with worker(broken) as url, pytest.raises(RejectedError, match="it is broken"):
        await Connect(url).config("milepost.erp")
