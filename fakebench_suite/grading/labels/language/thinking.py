"""The text of a reply outside its thoughts.

Thoughts are left out; a thought that never closes extends to the end. A closing mark without an
opening one ends a thought that the chat template opened. The marks are those of
:mod:`fakebench_suite.text.marks`, which backends use, too.
"""

from fakebench_suite.text.marks import strip_marks
from fakebench_suite.text.thoughts import split_thoughts


def remove_thoughts(reply: str) -> str:
    """Return the reply without its thoughts; marks around its answer are kept."""
    return split_thoughts(reply).spoken


def to_visible_text(reply: str) -> str:
    """Return the reply as its reader sees it: without thoughts and without marks."""
    return strip_marks(remove_thoughts(reply))
