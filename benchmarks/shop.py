"""A sandbox shop in a process of its own, so that its processor time and memory do not count as ours.

Its catalogue is the sandbox's own made-up one, but for the number of variants: each product has exactly three, and all
times are those of a fixed day, so that shops of one size are equal whenever they are made.

    python -m benchmarks.shop --products 1000 [--bucket 2000 --restore 100] [--bulk-s 0]

prints one line of JSON (`url`, `token`, `seed_s`), serves, and ends when its standard input does. Beside the
sandbox's side door it answers `POST /_sandbox/edit-many` (see `edit_many`), `POST /_sandbox/level` (points to leave in
the bucket) and `GET /_sandbox/sent` (bytes).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from benchmarks.measure import ROOT, cpu_of

# Points that never run out: what is measured is then our own work, not Shopify's pace.
NO_LIMIT = 1e9
DAY = datetime(2026, 1, 2, tzinfo=UTC)


class ShopProcess:
    """A running shop; a context manager. `bucket` and `restore` are points and points a second."""

    def __init__(
        self, products: int, *, bucket: float = NO_LIMIT, restore: float = NO_LIMIT, bulk_s: float = 0.0
    ) -> None:
        self.products = products
        command = [sys.executable, "-m", "benchmarks.shop", "--products", products]
        command += ["--bucket", bucket, "--restore", restore, "--bulk-s", bulk_s]
        self._process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline() or "{}")
        if not told:
            raise SystemExit("the sandbox shop did not start")
        self.url, self.token, self.seed_s = str(told["url"]), str(told["token"]), float(told["seed_s"])

    def ask(self, path: str, body: Any = None) -> Any:
        """One request to the side door: POST where there is a body."""
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def reset_stats(self) -> None:
        self.ask("stats/reset", {})

    def stats(self) -> dict[str, Any]:
        """What was asked since the last reset, with `sent`: bytes of all answers, as they went over the wire."""
        return {**self.ask("stats"), **self.ask("sent")}

    def cpu_s(self) -> float:
        """Processor time of the shop's process until now."""
        return cpu_of(self._process.pid)

    def edit_many(self, change: dict[str, Any], *, every: int = 1, first: int = 0, count: int | None = None) -> int:
        """Carry out one change (see `merchant.edit`) on every n-th product; how many."""
        body = {"change": change, "every": every, "first": first, "count": count}
        return int(self.ask("edit-many", body)["edited"])

    def level(self, points: float) -> None:
        """Fill the bucket, or leave only so many points in it."""
        self.ask("level", {"points": points})

    def bulk_s(self, seconds: float) -> None:
        """How long each bulk operation takes from now on, at the least."""
        self.ask("bulk", {"bulk_s": seconds})

    def stop(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(60)

    def __enter__(self) -> ShopProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


# -- in the shop's own process


def _filled(products: int) -> Any:
    """A store whose products have three variants each."""
    from shopify_sync.sandbox.seed import _Seeder
    from shopify_sync.sandbox.state import Shop
    from shopify_sync.sandbox.trades import Trade

    class Threes(_Seeder):
        def _options(self, trade: Trade, big: bool) -> list[tuple[str, tuple[str, ...]]]:
            return [("Size", ("S", "M", "L"))]

    shop = Shop()
    seeder = Threes(shop, 1)
    seeder.now = DAY
    seeder.run(products)
    shop.flush()
    return shop


def edit_many(shop: Any, given: dict[str, Any]) -> int:
    """The merchant's hand on `count` (default all) of every `every`-th product, beginning with number `first`."""
    from shopify_sync.sandbox.merchant import edit

    chosen = list(shop.table("Product"))[given.get("first") or 0 :: given.get("every") or 1][: given.get("count")]
    for number in chosen:
        edit(shop, {"product": shop.gid("Product", number), **given["change"]})
    return len(chosen)


def _counting(server: Any) -> None:
    """Let the server count the bytes that it sends, and answer the paths that are ours."""
    from shopify_sync.sandbox.handler import Handler

    sent = [0]

    class Counting(Handler):
        def setup(self) -> None:
            super().setup()
            write = self.wfile.write

            def counted(body: Any) -> int:
                sent[0] += len(body)
                return write(body)

            self.wfile.write = counted  # type: ignore[method-assign]

        def _control(self, method: str, path: str, query: str, body: bytes) -> None:
            if path == "sent":
                self._send(200, {"sent": sent[0]}, counted=False)
            elif path == "level":
                bucket = server.bucket
                bucket.fill()
                bucket.give_back(min(0.0, json.loads(body)["points"] - bucket.size))
                self._send(200, {"available": bucket.available}, counted=False)
            elif path == "edit-many":
                self._send(200, {"edited": edit_many(server.shop, json.loads(body))}, counted=False)
            else:
                super()._control(method, path, query, body)
                if path == "stats/reset":
                    sent[0] = 0

    server._listener.RequestHandlerClass = Counting


def _serve() -> None:
    options = argparse.ArgumentParser(description="Serve a sandbox shop until standard input ends.")
    options.add_argument("--products", type=int, default=1000)
    options.add_argument("--bucket", type=float, default=NO_LIMIT)
    options.add_argument("--restore", type=float, default=NO_LIMIT)
    options.add_argument("--bulk-s", type=float, default=0.0)
    chosen = options.parse_args()
    from shopify_sync.sandbox import SandboxServer

    began = time.process_time()
    shop = _filled(chosen.products)
    took = time.process_time() - began
    server = SandboxServer(shop=shop, bucket=chosen.bucket, restore=chosen.restore, bulk_s=chosen.bulk_s)
    _counting(server)
    threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    print(json.dumps({"url": server.url, "token": server.token, "seed_s": took}), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def _end_with_stdin(server: Any) -> None:
    sys.stdin.read()
    server.stop()  # `serve_forever` then returns and tidies up


if __name__ == "__main__":
    _serve()
