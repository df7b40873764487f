"""The answers of an earlier run, given again: ``--answers RUN`` asks no model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fakebench_suite.backends.base import Reply
from fakebench_suite.errors import ModelError, UserError
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.types import Answer, PixelDigest, Prompt, Record

if TYPE_CHECKING:
    from PIL import Image


class ReplayBackend:
    """Answers by case id; a case that was not answered, or asked otherwise, is an error."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = {record.case.id: record for record in records}

    def answer(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """One recorded answer per prompt, where the picture is the one that was shown then.

        Pictures that are not in ``images`` are not compared.
        """
        shown = {name: digest_pixels(picture) for name, picture in images.items()}
        return [self._find(prompt, shown.get(prompt.image)) for prompt in prompts]

    def begin(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """Raises UserError: recorded answers take no time."""
        del prompts, images
        raise UserError("Answers given again take no time to measure; leave --answers out.")

    def weigh(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """One recorded answer per prompt, where likelihoods were recorded."""
        return [
            reply
            if isinstance(reply, Answer) and reply.p_fake is not None
            else ModelError("the earlier run recorded no likelihood for this case")
            for reply in self.answer(prompts, images)
        ]

    def _find(self, prompt: Prompt, shown: PixelDigest | None) -> Reply:
        record = self._records.get(prompt.case)
        if record is None:
            return ModelError("the earlier run did not ask this case")
        if record.answer is None:
            return ModelError(f"the earlier run got no answer: {record.verdict.reason}")
        if record.prompt != prompt.text:
            return ModelError("the earlier run asked this case in other words; see --prompts")
        if None not in (shown, record.pixels) and shown != record.pixels:
            return ModelError("the earlier run showed another picture under this name")
        return record.answer
