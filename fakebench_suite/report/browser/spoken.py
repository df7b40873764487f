"""What a reply says outside its thoughts, so that a page can show the two apart."""

import re

from fakebench_suite.thoughts import THOUGHTS

_CLOSING = re.compile("|".join(re.escape(closing) for _, closing in THOUGHTS), re.IGNORECASE)
_OPENING = re.compile("|".join(re.escape(opening) for opening, _ in THOUGHTS), re.IGNORECASE)


def split_reply(text: str) -> tuple[str, str]:
    """The thoughts of a reply, marks included, and what follows them.

    A thought that never closes is all the reply has; where a mark closes a thought that the chat
    template opened, everything before it was thought.
    """
    start = 0
    while found := _CLOSING.search(text, start):
        start = found.end()
    opened = _OPENING.search(text, start)
    if opened is None:
        return text[:start], text[start:]
    if text[start : opened.start()].strip():
        return text[:start] + text[opened.start() :], text[start : opened.start()]
    return text, ""
