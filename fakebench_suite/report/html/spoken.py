"""What a reply says outside its thoughts, so that a page can show the two apart."""

from fakebench_suite.grading.labels.language.thinking import remove_thoughts


def split_reply(text: str) -> tuple[str, str]:
    """The thoughts of a reply, and what its readers take for its answer.

    Where an answer stands between thoughts, the thoughts are the whole reply.
    """
    spoken = remove_thoughts(text)
    if spoken == text:
        return "", text
    if text.endswith(spoken):
        return text[: len(text) - len(spoken)], spoken
    return text, spoken
