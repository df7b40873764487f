"""Half surrogate pairs, which JSON can carry and UTF-8 cannot."""


def replace_lone_surrogates(text: str) -> str:
    """The text with U+FFFD in place of each half of a pair; two halves become their character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
