"""Decode new tokens to text, keeping the marks of thoughts and answers."""

from collections.abc import Sequence
from typing import Any

from fakebench_suite.text.reasoning_tags import is_mark


class ReplyDecoder:
    """Decodes the replies of one tokenizer.

    ``ends`` are the ids of end tokens. ``thought`` is the mark of a thought that the chat template
    opens in every prompt; it is put in front of replies that do not begin with it.
    """

    def __init__(self, tokenizer: Any, ends: Sequence[int], *, thought: str | None = None) -> None:
        self._tokenizer, self._thought = tokenizer, thought
        self._marks, self._silent = classify_special_tokens(tokenizer, ends)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text without special tokens, except marks of thoughts and answers."""
        if self._marks.isdisjoint(ids):
            text = self._tokenizer.decode(ids, skip_special_tokens=True)
        else:
            visible = [token for token in ids if token not in self._silent]
            text = self._tokenizer.decode(visible, skip_special_tokens=False)
        text = text.strip()
        if self._thought is None or text.lower().startswith(self._thought.lower()):
            return str(text)
        return f"{self._thought}\n{text}"


def classify_special_tokens(
    tokenizer: Any, ends: Sequence[int]
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the ids of special tokens that mark thoughts or answers, and of all others.

    ``ends`` count among the others, whatever their text.
    """
    special = {
        token_id: token.content
        for token_id, token in tokenizer.added_tokens_decoder.items()
        if token.special
    }
    special |= dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
    marks = {token_id for token_id, text in special.items() if is_mark(text)} - set(ends)
    return frozenset(marks), frozenset(special.keys() | set(ends)) - frozenset(marks)
