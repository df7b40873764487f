"""Pixels are prepared once per picture, however many prompts ask about it."""

import copy
from typing import Any


class CachingImageProcessor:
    """An image processor that remembers what it made of the last picture.

    It stands in a processor's ``image_processor`` and is that image processor in all else. Only
    the last picture is remembered: prompts about one picture come one after another.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._shown: Any = None
        self._made: tuple[Any, dict[str, Any], Any] | None = None

    def show(self, picture: Any) -> None:
        """Say which picture the next call is about; None where it is about several."""
        self._shown = picture

    def forget(self) -> None:
        """Let go of the last picture and its pixels."""
        self._shown = self._made = None

    def __call__(self, images: Any, *args: Any, **options: Any) -> Any:
        """What the image processor makes of ``images``, from memory where it has been made."""
        if self._shown is None or args:
            return self._inner(images, *args, **options)
        if self._made is not None:
            picture, asked, made = self._made
            if picture is self._shown and asked == options:
                return copy.copy(made)
        made = self._inner(images, **options)
        # A processor may take entries out of what it is given, so it gets a copy.
        self._made = (self._shown, options, copy.copy(made))
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
