"""A loopback HTTP server that does what a script says, one step for each request. Raw sockets: it must be able to
break the protocol."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DATE = "Tue, 24 Nov 2026 12:00:00 GMT"
Step = Callable[[socket.socket], bool]
"""Answers one request; True keeps the connection."""


@dataclass
class Request:
    """What arrived: `headers` in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reply(body: bytes | str | Any, status: int = 200, **headers: str) -> Step:
    """A whole answer; what is neither bytes nor text becomes JSON."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def step(connection: socket.socket) -> bool:
        connection.sendall(_head(status, len(raw), headers) + raw)
        return True

    return step


def data(found: Any, *, requested: int = 10, actual: int | None = 10, available: float = 900.0, **more: Any) -> Step:
    """A GraphQL answer with its cost."""
    return reply(
        {"data": found, "extensions": {"cost": cost(requested, actual, available)}} | more,
        200,
        **{"X-Shopify-API-Version": "2026-10"},
    )


def cost(requested: int, actual: int | None, available: float) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": 50.0},
    }


def failed(code: str, message: str = "no", *, found: Any = None, **extensions: Any) -> Step:
    """An answer with one top-level error."""
    answer: dict[str, Any] = {"errors": [{"message": message, "extensions": {"code": code} | extensions}]}
    if found is not None:
        answer["data"] = found
    return reply(answer)


def throttled(requested: int = 300, available: float = 50.0) -> Step:
    return reply(
        {
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {"cost": cost(requested, None, available)},
        }
    )


def reset(connection: socket.socket) -> bool:
    """Break the connection without an answer (a zero linger sends RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def truncated(connection: socket.socket) -> bool:
    """Promise 500 bytes and send 9."""
    connection.sendall(_head(200, 500, {}) + b'{"data": ')
    return False


def _head(status: int, length: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {length}", "Content-Type: application/json"]
    if "Date" not in headers:
        lines.append(f"Date: {DATE}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class Script:
    """`steps` are used up one by one, the last one again and again; `seen` keeps the requests."""

    steps: list[Step] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open: list[socket.socket] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def then(self, *steps: Step) -> Script:
        self.steps += steps
        return self

    def hang(self, connection: socket.socket) -> bool:
        """Never answer, until the test is over."""
        self.stopping.wait(10)
        return False

    def stop(self) -> None:
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.thread.join(5)

    def _accept(self) -> None:
        threads = []
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                break
            self.open.append(connection)
            threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join(5)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while True:
                try:
                    line = stream.readline().decode()
                    if not line:
                        return
                    headers = {}
                    while (text := stream.readline().decode().strip()) != "":
                        name, _, value = text.partition(":")
                        headers[name.lower()] = value.strip()
                    body = stream.read(int(headers.get("content-length", 0)))
                except OSError:
                    return
                self.seen.append(Request(line.strip(), headers, body))
                step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                try:
                    if not step(connection):
                        return
                except OSError:
                    return
