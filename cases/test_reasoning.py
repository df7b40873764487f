"""FakeClue, inference mode: what does the image show, and so: is it fake or real?"""

from collections.abc import Callable

import pytest

from fakebench_suite.types import Answer, Case, Verdict

pytestmark = pytest.mark.reasoning


def test_reasoning(
    case: Case,
    ask: Callable[[Case], Answer],
    judge: Callable[[Case, Answer], Verdict],
    record: Callable[[Verdict], None],
) -> None:
    answer = ask(case)
    verdict = judge(case, answer)
    record(verdict)
