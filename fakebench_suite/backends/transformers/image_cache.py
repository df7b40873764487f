"""Prepare the pixels of an image once, however many prompts are about it."""

import copy
from typing import Any


class CachingImageProcessor:
    """An image processor that caches its output for the last image.

    It replaces ``image_processor`` of a processor and delegates everything else. One image is
    enough, because prompts about one image follow each other.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._image: Any = None
        self._cached: tuple[Any, dict[str, Any], Any] | None = None

    def set_image(self, image: Any) -> None:
        """Set the image that the next call is about; None if it is about several."""
        self._image = image

    def clear(self) -> None:
        """Drop the last image and its pixels."""
        self._image = self._cached = None

    def __call__(self, images: Any, *args: Any, **options: Any) -> Any:
        """Return the output of the image processor, from the cache if possible."""
        if self._image is None or args:
            return self._inner(images, *args, **options)
        if self._cached is not None:
            image, cached_options, output = self._cached
            if image is self._image and cached_options == options:
                return copy.copy(output)
        output = self._inner(images, **options)
        # The caller may remove entries from its result, so the cache has a copy.
        self._cached = (self._image, options, copy.copy(output))
        return output

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
