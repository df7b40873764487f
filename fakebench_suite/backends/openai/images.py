"""Images as parts of a message: encoded once per work unit, and released with their last prompt."""

import asyncio
import base64
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from fakebench_suite.backends.base import Request
from fakebench_suite.backends.openai.options import EndpointOptions
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
        self._left = Counter(name for request in requests for name in request.prompt.image_names)
        """Requests that still need an image, by its name."""
        self._parts: dict[str, asyncio.Future[msgspec.Raw]] = {}

    async def get(self, request: Request) -> Sequence[msgspec.Raw]:
        """Return the parts of a request's images in order; raises what opening them raises."""
        loop = asyncio.get_running_loop()
        for name in request.prompt.image_names:
            if name not in self._parts:
                encode = partial(self._encode, request, name)
                self._parts[name] = loop.run_in_executor(self._executor, encode)
        return [await self._parts[name] for name in request.prompt.image_names]

    def _encode(self, request: Request, name: str) -> msgspec.Raw:
        return build_image_part(request.images[name], self._options)

    def release(self, request: Request) -> None:
        """Forget a request's images that no other request needs."""
        for name in request.prompt.image_names:
            self._left[name] -= 1
            if not self._left[name]:
                self._parts.pop(name, None)
