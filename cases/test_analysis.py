"""FakeQA: how does the image fare by one criterion?"""

from collections.abc import Callable

import pytest

from fakebench_suite.types import Answer, Case, Verdict

pytestmark = pytest.mark.analysis


def test_analysis(
    case: Case,
    ask: Callable[[Case], Answer],
    judge: Callable[[Case, Answer], Verdict],
    record: Callable[[Verdict], None],
) -> None:
    answer = ask(case)
    verdict = judge(case, answer)
    record(verdict)
