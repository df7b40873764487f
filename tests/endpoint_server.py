"""An endpoint that misbehaves on order: an OpenAI-compatible server on this machine."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = '{"reason": "because", "completeness": 2, "preciseness": 1, "relevance": 0}'
Reply = tuple[int, str]
"""Status, and the text of the reply or of the error."""


@dataclass
class Endpoint:
    """What the server was asked, and what it does."""

    url: str = ""
    behave: Callable[[dict[str, Any], int], Reply] = lambda _body, _number: (200, GOOD)
    raw: Callable[[dict[str, Any]], str | None] = lambda _body: None
    """A whole body to send in place of a completion."""
    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda completion: completion
    """What becomes of a completion before it is sent."""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=lambda: {"retry-after-ms": "1"})
    """Of every reply."""
    models: list[str] | None = None
    """What it lists; None where it lists nothing."""
    is_down: Callable[[], bool] = lambda: False
    """Whether it fails at all other requests, too."""
    serve_raw: Callable[[BaseHTTPRequestHandler], bool] = lambda _handler: False
    """Writes to the wire itself, and says so."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    """The Authorization of each request."""
    paths: list[str] = field(default_factory=list)
    together: int = 0
    """Most requests that were under way at the same time."""


@contextmanager
def serve(endpoint: Endpoint) -> Iterator[Endpoint]:
    """The endpoint, listening on a port of its own."""
    lock, under_way = threading.Lock(), [0]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(endpoint.asked)
                endpoint.asked.append(body)
                endpoint.keys.append(self.headers["Authorization"])
                endpoint.paths.append(self.path)
                under_way[0] += 1
                endpoint.together = max(endpoint.together, under_way[0])
            try:
                try:
                    if endpoint.serve_raw(self):
                        self.close_connection = True
                        return
                except OSError:
                    return  # The client went away.
                status, text = endpoint.behave(body, number)
            finally:
                with lock:
                    under_way[0] -= 1
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            completion = {
                "id": "x", "object": "chat.completion", "created": 0, "model": "m",
                "choices": [choice],
            }  # fmt: skip
            completion = endpoint.change(completion)
            content = completion if status == 200 else {"error": {"message": text}}
            raw = endpoint.raw(body)
            data = json.dumps(content).encode() if raw is None else raw.encode()
            self.send_response(status)
            self.send_header("Content-Type", endpoint.content_type)
            self.send_header("Content-Length", str(len(data)))
            for name, value in endpoint.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(data)
            except OSError:
                return  # The client gave up waiting.

        def do_GET(self) -> None:
            with lock:
                endpoint.paths.append(f"GET {self.path}")
            if endpoint.is_down() or endpoint.models is None:
                self.send_error(503 if endpoint.is_down() else 405)
                return
            models = [{"id": name, "object": "model"} for name in endpoint.models]
            data = json.dumps({"object": "list", "data": models}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away in the middle is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def linger(_body: dict[str, Any], _number: int) -> Reply:
    """Good marks, a little late."""
    time.sleep(0.3)
    return 200, GOOD
