"""The answers of an earlier run, given again: ``--answers RUN`` asks no model."""

from collections.abc import Mapping, Sequence

from fakebench_suite.backends.base import (
    Backend,
    Capability,
    InferenceInfo,
    Reply,
    Request,
    lacks_options,
)
from fakebench_suite.errors import ModelError
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.types import PixelDigest, Record


class ReplayBackend(Backend):
    """Answers by case id; a case that was not answered, or asked otherwise, is an error."""

    capabilities = frozenset({Capability.TEXT, Capability.PROBABILITIES, Capability.TWO_IMAGES})
    max_in_flight = 1

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = {record.case.id: record for record in records}

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One recorded answer per request, where the image is the one that was shown then.

        An image that is not there any more is not compared. Where probabilities are wanted, a
        recorded reply in words is an error.
        """
        images = {
            name: request.images
            for request in requests
            for name in request.prompt.image_names
            if name in request.images
        }
        shown = {name: digest_pixels(opened[name]) for name, opened in images.items()}
        return [self._find(request, shown) for request in requests]

    def describe(self) -> InferenceInfo:
        """Nothing is computed."""
        return InferenceInfo()

    def _find(self, request: Request, shown: Mapping[str, PixelDigest]) -> Reply:
        record = self._records.get(request.prompt.case)
        if record is None:
            return ModelError("the earlier run did not ask this case")
        if record.answer is None:
            return ModelError(f"the earlier run got no answer: {record.verdict.reason}")
        if record.prompt != request.prompt.text:
            return ModelError("the earlier run asked this case in other words; see --prompts")
        recorded = (record.pixels, record.second_pixels)
        for name, pixels in zip(request.prompt.image_names, recorded, strict=False):
            if pixels is not None and shown.get(name, pixels) != pixels:
                return ModelError("the earlier run showed another picture under this name")
        wants = request.want is Capability.PROBABILITIES and record.answer.p_fake is None
        if wants and not lacks_options(record.answer):
            return ModelError("the earlier run recorded no likelihood for this case")
        return record.answer
