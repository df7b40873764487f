"""Images as parts of a message: encoded once per work unit, and released with their last prompt."""

import asyncio
import base64
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fakebench_suite.backends.base import Request
from fakebench_suite.backends.cards import EndpointOptions
from fakebench_suite.backends.openai.png import encode_png

if TYPE_CHECKING:
    from PIL import Image


def encode_image(image: "Image.Image", options: EndpointOptions) -> bytes:
    """Return an image as a file of the card's format, with its pixels and nothing else."""
    if options.image_format == "png":
        return encode_png(np.asarray(image.convert("RGB")))
    bare = image.copy()
    bare.info = {}  # Pillow would write the colour profile of the file that it was read from.
    stream = BytesIO()
    bare.save(stream, "JPEG", quality=options.jpeg_quality)
    return stream.getvalue()


def build_image_part(image: "Image.Image", options: EndpointOptions) -> msgspec.Raw:
    """Return the part of a message that holds an image, as JSON."""
    data = base64.b64encode(encode_image(image, options)).decode("ascii")
    url = {"url": f"data:image/{options.image_format};base64,{data}"}
    detail = {} if options.detail is None else {"detail": options.detail}
    return msgspec.Raw(msgspec.json.encode({"type": "image_url", "image_url": url | detail}))


class EncodedImages:
    """The images of some requests as parts, each encoded when the first request needs it."""

    def __init__(
        self, requests: Sequence[Request], options: EndpointOptions, executor: Executor
    ) -> None:
        self._options, self._executor = options, executor
        self._left = Counter(request.prompt.image for request in requests)
        """Requests that still need an image, by its name."""
        self._parts: dict[str, asyncio.Future[msgspec.Raw]] = {}

    async def get(self, request: Request) -> msgspec.Raw:
        """Return the part of a request's image; raises what opening it raises."""
        name = request.prompt.image
        if name not in self._parts:
            loop = asyncio.get_running_loop()
            self._parts[name] = loop.run_in_executor(self._executor, self._encode, request)
        return await self._parts[name]

    def _encode(self, request: Request) -> msgspec.Raw:
        return build_image_part(request.image, self._options)

    def release(self, request: Request) -> None:
        """Forget a request's image, if no other request needs it."""
        name = request.prompt.image
        self._left[name] -= 1
        if not self._left[name]:
            self._parts.pop(name, None)
