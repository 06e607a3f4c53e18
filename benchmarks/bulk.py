"""How fast the result of a bulk operation arrives, and in how much memory. The server is another process.

python -m benchmarks.bulk [--megabytes 700] [--folder /tmp]
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from shopify_sync.clock import SystemClock
from shopify_sync.records import ApiUse
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.shopify.bulk.download import Download
from shopify_sync.shopify.transports.files import FileTransport
from shopify_sync.shopify.transports.throttle import Waiter

LINE = (
    b'{"id":"gid:\\/\\/shopify\\/ProductVariant\\/%012d","sku":"%d","__parentId":"gid:\\/\\/shopify\\/Product\\/1"}\n'
)
BLOCK = b"".join(LINE % (number, number) for number in range(8_000))


def serve(blocks: int, told: Any) -> None:
    """`/plain` and `/gzip`: the same lines again and again."""
    bodies = {"/plain": BLOCK, "/gzip": gzip.compress(BLOCK, 6)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = bodies[self.path]
            self.send_response(200)
            if self.path == "/gzip":
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body) * blocks))
            self.end_headers()
            for _ in range(blocks):
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    told.put(server.server_port)
    server.serve_forever()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--megabytes", type=int, default=700)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    chosen = options.parse_args()
    blocks = max(1, chosen.megabytes * 1_000_000 // len(BLOCK))
    size = blocks * len(BLOCK)
    told: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(blocks, told), daemon=True)
    server.start()
    base = f"http://127.0.0.1:{told.get()}"
    files, waiter = FileTransport(tls_only=False), Waiter(SystemClock(), ApiUse())
    ways: tuple[tuple[str, Callable[[bytes], None] | None], ...] = (("file", None), ("file and lines", _split))
    print(f"{size / 1e6:,.0f} MB{'':18}{'MB/s':>10}{'peak MB':>10}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        target = Path(folder) / "result.jsonl"
        for path in ("/plain", "/gzip"):
            for name, lines in ways:
                began = time.perf_counter()
                download = Download(
                    files, waiter, Backoff(), what=path, url=base + path, renew=lambda: None, expected=size
                )
                download.run(target, 1, lines)
                rate = size / (time.perf_counter() - began) / 1e6
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(f"{path[1:] + ', ' + name:24}{rate:10,.0f}{peak:10,.0f}")
    files.close()
    server.terminate()


def _split(block: bytes) -> None:
    block.split(b"\n")


if __name__ == "__main__":
    main()
