"""A run over a server that fails at every third request: what is answered, and what that costs.

    python benchmarks/faults.py [--faults 0.3] [--seed 0]

The server is on this machine and answers the embedded probes. A share of its replies are faults,
of every kind in FAULTS, drawn at random; the others have the shapes in REPLIES. The command fails
if a case is lost or doubled, if a fault became an answer, or if there were more than 1.6 requests a
case.
"""

import argparse
import json
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

TIMEOUT_S = 3.0
MOST = 1.6
"""Requests a case that a third of faults may cost."""
TEXT = "It is fake."
CARD = """
backend = "openai"

[endpoint]
url = "http://127.0.0.1:{port}/v1"
model = "tiny"
timeout = {timeout}
"""


def complete(content: object, **fields: object) -> bytes:
    """A chat completion of that content."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return json.dumps({"model": "tiny", "choices": [choice], **fields}).encode()


class Handler(BaseHTTPRequestHandler):
    """Replies as it is told."""

    protocol_version = "HTTP/1.1"
    choose: "Callable[[], Callable[[Handler], None]]"

    def do_POST(self) -> None:
        """Read the request, and reply in one of the ways."""
        self.rfile.read(int(self.headers["Content-Length"]))
        try:
            type(self).choose()(self)
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        """List the model."""
        self.send(200, json.dumps({"object": "list", "data": [{"id": "tiny"}]}).encode())

    def send(self, status: int, body: bytes, **headers: str) -> None:
        """A whole reply."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_error_body(self, status: int, **headers: str) -> None:
        """An error as servers word it."""
        body = {"error": {"message": f"no luck ({status})"}}
        self.send(status, json.dumps(body).encode(), **headers)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def reset(self) -> None:
        """Break the connection off."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def send_half(self) -> None:
        """Announce a body, send half of it, and end the connection."""
        body = complete(TEXT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True

    def hang(self) -> None:
        """Reply too late."""
        time.sleep(TIMEOUT_S + 0.5)
        self.send(200, complete(TEXT))

    def drip(self) -> None:
        """A reply in pieces, in time."""
        body = complete(TEXT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for start in range(0, len(body), 16):
            self.wfile.write(body[start : start + 16])
            self.wfile.flush()
            time.sleep(0.01)


FAULTS: dict[str, Callable[[Handler], None]] = {
    "429": lambda h: h.send_error_body(429),
    "429 with retry-after": lambda h: h.send_error_body(429, retry_after="0.2"),
    "429 with a reset": lambda h: h.send_error_body(429, x_ratelimit_reset_requests="200ms"),
    "500": lambda h: h.send_error_body(500),
    "502 with a page": lambda h: h.send(502, b"<html><title>Bad gateway</title></html>"),
    "503": lambda h: h.send_error_body(503),
    "503 with retry-after": lambda h: h.send_error_body(503, retry_after="0.1"),
    "reset": Handler.reset,
    "half a body": Handler.send_half,
    "too late": Handler.hang,
    "malformed JSON": lambda h: h.send(200, b'{"choices": [{'),
    "empty body": lambda h: h.send(200, b""),
    "no choices": lambda h: h.send(200, b'{"choices": []}'),
    "an error with 200": lambda h: h.send(200, b'{"error": {"message": "no luck", "code": 500}}'),
    "empty content": lambda h: h.send(
        200, json.dumps({"choices": [{"message": {"content": ""}}]}).encode()
    ),
}
REPLIES: dict[str, Callable[[Handler], None]] = {
    "text": lambda h: h.send(200, complete(TEXT)),
    "a list of parts": lambda h: h.send(200, complete([{"type": "text", "text": TEXT}])),
    "100 kB": lambda h: h.send(200, complete(f"{TEXT} " + "Its texture repeats. " * 5_000)),
    "in pieces": Handler.drip,
}


class Server(ThreadingHTTPServer):
    """Draws a reply for each request, and counts them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, share: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._random, self._share, self._lock = random.Random(seed), share, threading.Lock()
        self.sent: Counter[str] = Counter()
        Handler.choose = self._choose

    def _choose(self) -> Callable[[Handler], None]:
        with self._lock:
            first = not self.sent  # The test request before a run tries nothing twice.
            table = FAULTS if not first and self._random.random() < self._share else REPLIES
            name = self._random.choice(list(table)) if not first else "text"
            self.sent[name] += 1
        return table[name]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that broke off are what is asked for."""


def main() -> None:
    """Print what was sent and what became of it; status 1 where a case is lost or misread."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--faults", type=float, default=0.3, help="share of the replies")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    server = Server(options.faults, options.seed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with TemporaryDirectory() as name:
        folder = Path(name)
        card = CARD.format(port=server.server_address[1], timeout=TIMEOUT_S)
        (folder / "faulty.toml").write_text(card, encoding="utf-8")
        command = ["run", "--model=faulty.toml", "--gates=none", "--run=run", "-n0", "-q"]
        start = time.monotonic()
        result = subprocess.run(
            [sys.executable, "-m", "fakebench_suite", *command],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.monotonic() - start
        run = folder / "reports" / "run"
        if not (run / "records.jsonl").exists():
            sys.exit(result.stdout + result.stderr)
        lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        selected = json.loads((run / "manifest.json").read_bytes())["selected"]
    errors = Counter(r["verdict"]["reason"] for r in records if r["answer"] is None)
    misread = [r for r in records if r["answer"] and not r["answer"]["text"].startswith(TEXT)]
    answered = len(records) - errors.total()
    requests = server.sent.total() - 1
    faults = sum(server.sent[kind] for kind in FAULTS)
    print(f"{selected:,} cases in {seconds:.0f} s: {answered:,} answers, {errors.total():,} errors")
    print(f"{requests:,} requests, {faults:,} of them faults: {requests / selected:.2f} a case")
    for reason, count in errors.most_common():
        print(f"  {count:>4} {reason}")
    lost = selected - len({record["case"]["id"] for record in records})
    doubled = len(records) - selected + lost
    print(f"{lost} cases lost, {doubled} doubled, {len(misread)} faults read as answers")
    sys.exit(bool(lost or doubled or misread or requests > MOST * selected))


if __name__ == "__main__":
    main()
