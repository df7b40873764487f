"""Names by which vLLM's caches know images, each computed once for all prompts about an image."""

import hashlib
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

_KEPT = 2
"""Images whose names are kept: prompts about an image follow each other, and show two at most."""


class ImageIds:
    """Digests of images' modes, sizes and pixels.

    vLLM would make a digest of its own for every prompt: of an image of 14 questions 14 times.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[Image.Image, str]] = deque(maxlen=_KEPT)

    def list_ids(self, images: "Sequence[Image.Image]") -> list[str]:
        """The name of each image; images of equal pixels have the same one."""
        return [self._find(image) for image in images]

    def _find(self, image: "Image.Image") -> str:
        for kept, name in self._kept:
            if kept is image:
                return name
        digest = hashlib.blake2b(f"{image.mode} {image.size} ".encode(), digest_size=16)
        digest.update(image.tobytes())
        if image.palette is not None:
            digest.update(image.palette.tobytes())
        self._kept.append((image, digest.hexdigest()))
        return digest.hexdigest()
