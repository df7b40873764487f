"""FakeClass, perturbed: does the verdict survive what changes no authenticity?"""

from collections.abc import Callable

import pytest

from fakebench_suite.types import Answer, Case, Verdict

pytestmark = pytest.mark.robustness


def test_robustness(
    case: Case,
    ask: Callable[[Case], Answer],
    judge: Callable[[Case, Answer], Verdict],
    record: Callable[[Verdict], None],
) -> None:
    answer = ask(case)
    verdict = judge(case, answer)
    record(verdict)
