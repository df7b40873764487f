"""What asking a model behind a URL costs: many requests in flight against one, and CPU per request.

    python benchmarks/endpoint.py [--prompts 256] [--concurrency 32] [--latency 0.1]

The server is a process of its own on this machine, which replies after a fixed time whatever it is
asked. Images are photographs of 512 x 512. The CPU is that of this process alone: encoding,
requests and replies; the server's is not in it.
"""

import argparse
import asyncio
import multiprocessing
import multiprocessing.connection
import time
import zlib
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from fakebench_suite.backends.base import Request
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.openai.bodies import ServerFeatures
from fakebench_suite.backends.openai.model import EndpointBackend
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.backends.openai.png import encode_png
from fakebench_suite.datasets.probes.photographs import load_photograph
from fakebench_suite.endpoints.address import parse_address
from fakebench_suite.types import Answer, Prompt, QuestionType

SIDE = 512
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "flower.jpg")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REPLY = (
    b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "It is fake."}}],'
    b' "usage": {"prompt_tokens": 1100, "completion_tokens": 5}}'
)


class Connection(asyncio.BufferedProtocol):
    """Counts the bytes of each request without keeping them, and replies to it after a while."""

    transport: asyncio.Transport

    def __init__(self, latency: float) -> None:
        self._latency, self._buffer, self._left = latency, bytearray(1 << 20), 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the reply is written to."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where bytes go: always the same place."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Count them; a head comes in one piece, as the client sends it apart."""
        if not self._left:
            head, _, content = bytes(self._buffer[:nbytes]).partition(b"\r\n\r\n")
            self._left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            nbytes = len(content)
        self._left -= nbytes
        if not self._left:
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency, self.transport.write, HEAD % len(REPLY) + REPLY)


def serve(latency: float, port: multiprocessing.connection.Connection) -> None:
    """Reply to every request after so many seconds, and tell the port."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(latency), "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def make_requests(prompts: int, images: int) -> Sequence[Request]:
    """So many prompts about so many crops of photographs, image by image."""
    photographs = [np.asarray(load_photograph(name)) for name in PHOTOGRAPHS]
    pictures = {}
    for number in range(images):
        photograph = photographs[number % len(photographs)]
        crop = Image.fromarray(np.roll(photograph, 7 * number, axis=1)).convert("RGB")
        pictures[f"{number}.png"] = crop.resize((SIDE, SIDE))
    return [
        Request(
            prompt=Prompt(
                case=f"{number}",
                image=f"{number * images // prompts}.png",
                question_type=QuestionType.WHAT,
                text=f"Is this image fake or real? ({number})",
            ),
            images=pictures,
        )
        for number in range(prompts)
    ]


def ask(url: str, requests: Sequence[Request], *, concurrency: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU, that all replies took, once the connections are warm."""
    card = Card(backend="openai", endpoint=EndpointOptions(url=url, model="tiny"))
    backend = EndpointBackend(card, parse_address(url), ServerFeatures(), concurrency=concurrency)
    try:
        backend.run(requests[:concurrency])
        start, cpu_start = time.perf_counter(), time.process_time()
        replies = backend.run(requests)
        elapsed = time.perf_counter() - start, time.process_time() - cpu_start
    finally:
        backend.close()
    assert all(isinstance(reply, Answer) for reply in replies)
    return elapsed


def measure_encoding(request: Request) -> None:
    """Print what a PNG takes as the suite writes it, and as Pillow does, and how large it gets."""
    start, content = time.process_time(), b""
    for _ in range(10):
        content = encode_png(np.asarray(request.image))
    milliseconds = (time.process_time() - start) / 10 * 1000
    print(f"{'PNG, by ISA-L':<28}{milliseconds:>8.1f} ms{len(content):>10,} bytes")
    for level, strategy in (
        (0, zlib.Z_DEFAULT_STRATEGY),
        (1, zlib.Z_DEFAULT_STRATEGY),
        (1, zlib.Z_RLE),
        (6, zlib.Z_DEFAULT_STRATEGY),
    ):
        start, stream = time.process_time(), BytesIO()
        for _ in range(10):
            stream = BytesIO()
            request.image.save(stream, "PNG", compress_level=level, compress_type=strategy)
        milliseconds = (time.process_time() - start) / 10 * 1000
        name = f"PNG, level {level}, strategy {strategy}"
        print(f"{name:<28}{milliseconds:>8.1f} ms{len(stream.getvalue()):>10,} bytes")


def main() -> None:
    """Print a table, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds of a reply")
    chosen = parser.parse_args()
    connection, child_connection = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(chosen.latency, child_connection), daemon=True
    )
    server.start()
    url = f"http://127.0.0.1:{connection.recv()}/v1"
    try:
        single_requests = make_requests(32, 2)
        alone_seconds, _ = ask(url, single_requests, concurrency=1)
        seconds_each = alone_seconds / len(single_requests)
        print(f"one at a time: {seconds_each * 1000:.1f} ms a prompt")
        print(f"{'prompts an image':<18}{'prompts/s':>10}{'speed-up':>10}{'CPU a prompt':>14}")
        for per_image in (14, 9, 1):
            requests = make_requests(chosen.prompts, max(1, chosen.prompts // per_image))
            seconds, cpu_seconds = ask(url, requests, concurrency=chosen.concurrency)
            count = len(requests)
            print(
                f"{per_image:<18}{count / seconds:>10.0f}{seconds_each * count / seconds:>10.1f}"
                f"{cpu_seconds / count * 1000:>11.2f} ms",
                flush=True,
            )
        measure_encoding(single_requests[0])
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
