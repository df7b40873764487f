"""From new tokens to the text that a model wrote, with the marks of its thoughts and answers."""

from collections.abc import Sequence
from typing import Any

from fakebench_suite.text.thoughts import is_mark


class ReplyDecoder:
    """Decodes replies of one tokenizer.

    ``thought`` is the mark of a thought that every prompt leaves open: the replies begin in it.
    """

    def __init__(self, tokenizer: Any, ends: Sequence[int], *, thought: str | None = None) -> None:
        self._tokenizer, self._thought = tokenizer, thought
        self._marks, self._silent = classify_special_tokens(tokenizer, ends)

    def decode(self, ids: Sequence[int]) -> str:
        """The text without special tokens but those that mark a thought or an answer."""
        if self._marks.isdisjoint(ids):
            text = self._tokenizer.decode(ids, skip_special_tokens=True)
        else:
            said = [one for one in ids if one not in self._silent]
            text = self._tokenizer.decode(said, skip_special_tokens=False)
        text = text.strip()
        if self._thought is None or text.lower().startswith(self._thought.lower()):
            return str(text)
        return f"{self._thought}\n{text}"


def classify_special_tokens(
    tokenizer: Any, ends: Sequence[int]
) -> tuple[frozenset[int], frozenset[int]]:
    """Special tokens that mark thoughts or answers, and those that say nothing to a reader."""
    special = {
        number: token.content
        for number, token in tokenizer.added_tokens_decoder.items()
        if token.special
    }
    special |= dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
    marks = {number for number, text in special.items() if is_mark(text)} - set(ends)
    return frozenset(marks), frozenset(special.keys() | set(ends)) - frozenset(marks)
