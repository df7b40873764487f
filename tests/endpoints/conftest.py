"""What the tests of connections share: servers of one handler, a certificate, and no proxies."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakebench_suite.endpoints.event_loops import LoopThread

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
COMPLETION = (
    b'{"choices": [{"index": 0, "finish_reason": "stop", '
    b'"message": {"role": "assistant", "content": "fake"}}]}'
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no certificates and no key are named."""
    for name in list(os.environ):
        if name.lower().endswith(("_proxy", "_ca_bundle")) or name.startswith("SSL_CERT"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@contextmanager
def listen(handle: Handle, *, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that has each connection handled; it closes them afterwards."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handle(reader, writer)
        writer.close()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)

    async def stop() -> None:
        server.close()

    loop = LoopThread("test-server")
    server = loop.run(start())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.close(stop())


def build_reply(body: bytes = COMPLETION, *, status: str = "200 OK", headers: str = "") -> bytes:
    """The bytes of a reply that ends its connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """The head of a request, whose body is read, too."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
    return head


def reply_with(reply: bytes) -> Handle:
    """A handler that reads one request and sends this."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(reply)
        await writer.drain()

    return handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate of ``localhost`` that nobody vouches for."""

    path: Path
    context: ssl.SSLContext
    """Of a server that has it."""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate that openssl makes; skips where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("certificate")
    path, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(path)]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *files, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return Certificate(path=path, context=context)
