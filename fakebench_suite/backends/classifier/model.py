"""A detector as a backend: P(fake) of each image, and no text."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.backends.base import (
    OPTIONS,
    Backend,
    Capability,
    InferenceInfo,
    Reply,
    Request,
)
from fakebench_suite.backends.classifier.labels import OutputLabels, check_outputs
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.types import Answer, Prompt

BATCH_SIZE = 16
"""Images in one forward pass, where a card does not say."""
_EVEN = 0.5
_SUM_TOLERANCE = 1e-3
"""How far the probabilities of one image may be from 1 together."""
_PROBE_SIZE = 64
"""Side in pixels of the image that shows how many outputs there are."""
Floats = NDArray[np.float64]
Output = Literal["logits", "probabilities"]


class Classifier(Protocol):
    """A loaded model that puts out one row per image."""

    device: str
    """What it computes on, for the manifest."""
    says_logits: bool
    """Whether the model itself says that it puts out logits."""

    def compute(self, images: Sequence[Image.Image]) -> Floats:
        """Return the outputs, images x outputs.

        May raise anything; MemoryError says that fewer images at once may fit.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed:
    """What became of one image."""

    p_fake: float | ModelError
    seconds: float
    batch_size: int


class ClassifierBackend(Backend):
    """A classifier on one device, which looks at each image of a work unit once."""

    capabilities = frozenset({Capability.PROBABILITIES})
    max_in_flight = 1

    def __init__(
        self,
        classifier: Classifier,
        labels: OutputLabels,
        *,
        output: Output | None,
        batch_size: int | None,
        place: str,
        independent: bool = False,
    ) -> None:
        """``output`` is what the card says, or None: then logits, if there are several.

        With ``independent``, several labels may hold at once, each with its own probability.
        Raises CardError where the outputs are not those of the labels, or what they are is open.
        """
        self._classifier, self._labels = classifier, labels
        self._output: Output = output or "logits"
        self._independent = independent
        self._rows = batch_size or BATCH_SIZE
        self._outputs = self._count_outputs(
            place, declared=output is not None or classifier.says_logits
        )

    def _count_outputs(self, place: str, *, declared: bool) -> int:
        """Return how many outputs a grey image has; raises CardError if they are not the card's."""
        grey = Image.new("RGB", (_PROBE_SIZE, _PROBE_SIZE), (128, 128, 128))
        try:
            rows = self._classifier.compute([grey])
        except CardError:
            raise
        except Exception as error:  # A checkpoint may raise anything; no image can be asked.
            why = " ".join(str(error).split())
            raise CardError(f"{place} cannot be asked about an image: {why}") from error
        if rows.ndim != 2 or len(rows) != 1:
            raise CardError(
                f"{place} puts out the shape {rows.shape} for one image, and a classifier puts out "
                "one row of numbers. Choose a model that classifies images."
            )
        check_outputs(self._labels, rows.shape[1], place=place)
        if rows.shape[1] == 1 and not declared:
            raise CardError(
                f"{place} puts out one number per image, and nothing says whether it is a "
                'probability or a logit. Set output = "probabilities" (if the model ends in a '
                'sigmoid) or output = "logits" in [classifier] of its card.'
            )
        seem = rows.shape[1] > 1 and _are_probabilities(rows[0])
        if self._output == "logits" and seem:
            raise CardError(
                f"{place} puts out probabilities, not logits: they lie in 0 to 1 and add up to 1. "
                'Set output = "probabilities" in [classifier] of its card.'
            )
        if not declared and rows.shape[1] > 1 and _are_probabilities(rows[0], independent=True):
            raise CardError(
                f"{place} puts out numbers from 0 to 1 that do not add up to 1, and nothing says "
                'what they are. Set output = "logits" in [classifier] of its card; for a sigmoid '
                'per label, set output = "probabilities" and put the config.json of the model '
                'beside the file, with "problem_type": "multi_label_classification".'
            )
        return int(rows.shape[1])

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """The option of each prompt that P(fake) of its image makes likelier.

        An image that fails, or whose outputs are not finite, is a ModelError of its prompts.
        """
        images = {request.prompt.image: request.image for request in requests}
        names = list(images)
        computed: dict[str, _Computed] = {}
        while len(computed) < len(names):
            batch = names[len(computed) : len(computed) + self._rows]
            results = self._compute([images[name] for name in batch])
            computed |= zip(batch, results, strict=True)
        shares = {name: sum(request.prompt.image == name for request in requests) for name in names}
        return [
            _to_reply(request.prompt, computed[request.prompt.image], shares[request.prompt.image])
            for request in requests
        ]

    def _compute(self, images: Sequence[Image.Image]) -> list[_Computed]:
        """Return P(fake) of each image; a batch that fails is split in half, down to one image."""
        started = time.perf_counter()
        try:
            rows = self._classifier.compute(images)
            if rows.shape[:1] != (len(images),):
                raise ValueError(f"it gave {len(rows)} rows for {len(images)} images")
        except Exception as error:  # A checkpoint may raise anything; only these cases fail.
            failure = f"{type(error).__name__}: {error}"
            if isinstance(error, MemoryError):
                self._rows = max(1, min(self._rows, len(images) // 2))
        else:
            seconds = (time.perf_counter() - started) / len(images)
            return [
                _Computed(p_fake=self._read(row), seconds=seconds, batch_size=len(images))
                for row in rows
            ]
        if len(images) == 1:
            return [_Computed(p_fake=ModelError(failure), seconds=0.0, batch_size=1)]
        half = len(images) // 2
        return [*self._compute(images[:half]), *self._compute(images[half:])]

    def _read(self, row: Floats) -> float | ModelError:
        """Return P(fake) by the outputs for one image; a ModelError if they do not give one."""
        if not np.isfinite(row).all():
            return ModelError("the outputs of the classifier are not finite (NaN or infinity)")
        if self._output == "logits":
            row = _to_probabilities(row, independent=self._independent)
        elif not _are_probabilities(row, independent=self._independent):
            shown = ", ".join(f"{value:.4g}" for value in row[:4])
            return ModelError(f"the outputs of the classifier are no probabilities: {shown}")
        fake = list(self._labels.fake)
        p_fake = float(row[fake].sum()) if fake else 1.0 - float(row[0])
        return min(1.0, max(0.0, p_fake))

    def describe(self) -> InferenceInfo:
        """The device, and what the outputs mean."""
        labels = self._labels
        return InferenceInfo(
            path="plain",
            reason="A classifier looks at each image once.",
            device=self._classifier.device,
            details={
                "labels": None if labels.names is None else list(labels.names),
                "fake_labels": labels.fake_names,
                "output": self._output,
                "outputs": self._outputs,
                "independent": self._independent,
                "batch_size": self._rows,
            },
        )


def _to_probabilities(row: Floats, *, independent: bool) -> Floats:
    """Return the softmax of a row of logits, or the sigmoid of a single or independent one."""
    if row.size == 1 or independent:
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * row)))
    exponentials = np.exp(row - row.max())
    return np.asarray(exponentials / exponentials.sum())


def _are_probabilities(row: Floats, *, independent: bool = False) -> bool:
    """Return whether numbers are from 0 to 1 and, unless single or independent, add up to 1."""
    inside = bool((row >= 0).all() and (row <= 1).all())
    return inside and (row.size == 1 or independent or abs(float(row.sum()) - 1.0) < _SUM_TOLERANCE)


def _to_reply(prompt: Prompt, computed: _Computed, share: int) -> Reply:
    """Return the answer to one of ``share`` prompts on an image."""
    if isinstance(computed.p_fake, ModelError):
        return computed.p_fake
    fake, real = OPTIONS[prompt.question_type]
    likelier = fake if computed.p_fake > _EVEN else real
    return Answer(
        text="" if computed.p_fake == _EVEN else likelier,  # As likelihoods are read.
        tokens=0,
        seconds=computed.seconds / share,
        batch_size=computed.batch_size,
        p_fake=computed.p_fake,
    )
