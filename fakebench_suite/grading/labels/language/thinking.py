"""What a reply says outside its thoughts.

A thought that never closes asserts nothing, whatever opened it; closed thoughts are left out; a
closing mark without an opening one ends a thought that the chat template opened. The marks are
those of :mod:`fakebench_suite.text.thoughts`, which backends know them by, too.
"""

from fakebench_suite.text.thoughts import split_thoughts, strip_marks


def remove_thoughts(reply: str) -> str:
    """The reply without its thoughts; marks around its answer are kept."""
    return split_thoughts(reply).spoken


def to_visible_text(reply: str) -> str:
    """What a reply says to its reader: no thoughts, no marks around the answer, no end marks."""
    return strip_marks(remove_thoughts(reply))
