"""``[classifier]`` of a card: what the outputs of a detector mean, and how it takes images."""

import math
from typing import Annotated, Literal

import msgspec

Pixels = Annotated[int, msgspec.Meta(ge=1)]

_CHANNELS, _SIDES = 3, 2
"""Numbers of a mean, and of a size."""


class ClassifierOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the outputs of a detector mean, and how an ONNX file takes images.

    A checkpoint of transformers brings its image processor, and so does an ONNX file beside a
    ``preprocessor_config.json``: settings of images are for other ONNX files.
    """

    fake_labels: list[str | int] = msgspec.field(default_factory=list)
    """The outputs that mean fake, by name or number; P(fake) is the sum of their probabilities."""
    labels: list[str] = msgspec.field(default_factory=list)
    """The names of all outputs in order, where the model has none, or others."""
    output: Literal["logits", "probabilities"] | None = None
    """What the model puts out; logits become probabilities by softmax, a single one by sigmoid.

    Without it logits, but an ONNX file with a single output, which shows neither, is refused."""
    size: Pixels | list[Pixels] | None = None
    """Height and width in pixels, or one number for both; without it, those that the file fixes."""
    resize: Literal["stretch", "shortest_edge", "none"] = "stretch"
    """How an image gets that size: by scaling both sides, by scaling the shorter side and cutting
    out the centre, or by cutting out the centre alone (with a black border if it is too small)."""
    shortest_edge: Pixels | None = None
    """Pixels that the shorter side is scaled to before the centre is cut out; default: ``size``."""
    resample: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    image_mean: list[float] | None = None
    """Of red, green and blue, from 0 to 1: subtracted after pixels are divided by 255."""
    image_std: list[float] | None = None
    """What the difference is then divided by."""

    def __post_init__(self) -> None:
        for name in ("image_mean", "image_std"):
            values = getattr(self, name)
            if values is not None and (
                len(values) != _CHANNELS or not all(map(math.isfinite, values))
            ):
                raise ValueError(
                    f"{name} in [classifier] needs one number for each of red, green, blue"
                )
        if isinstance(self.size, list) and len(self.size) != _SIDES:
            raise ValueError("size in [classifier] needs one number, or height and width")
        if (self.image_mean is None) != (self.image_std is None):
            raise ValueError("image_mean and image_std in [classifier] go together")
        if self.image_std is not None and not all(value > 0 for value in self.image_std):
            raise ValueError("image_std in [classifier] is not above 0")
        if self.shortest_edge is not None and self.resize != "shortest_edge":
            raise ValueError('shortest_edge and resize = "shortest_edge" go together')
        if self.image_mean is None and (unused := self.list_image_settings()):
            raise ValueError(
                f"{unused[0]} in [classifier] needs image_mean and image_std beside it, which say "
                "how an ONNX file takes images"
            )

    def list_image_settings(self) -> list[str]:
        """The settings of images that are given."""
        defaults = {"resize": "stretch", "resample": "bilinear"}
        names = ("size", "resize", "shortest_edge", "resample", "image_mean", "image_std")
        return [name for name in names if getattr(self, name) != defaults.get(name)]
