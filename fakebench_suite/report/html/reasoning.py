"""Split a reply into the reasoning of a thinking model and the answer."""

from functools import lru_cache

from fakebench_suite.text.thoughts import remove_thoughts


@lru_cache(maxsize=1024)  # confident models repeat the same short replies
def split_thoughts(text: str) -> tuple[str, str]:
    """The reasoning and the answer of a reply.

    If the answer is between two parts of reasoning, the first value is the whole reply.
    """
    visible = remove_thoughts(text)
    if visible == text:
        return "", text
    if text.endswith(visible):
        return text[: len(text) - len(visible)], visible
    return text, visible
