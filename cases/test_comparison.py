"""Two images, one of them generated: which is fake, or which is real?"""

from collections.abc import Callable

import pytest

from fakebench_suite.types import Answer, Case, Verdict

pytestmark = pytest.mark.comparison


def test_comparison(
    case: Case,
    ask: Callable[[Case], Answer],
    judge: Callable[[Case, Answer], Verdict],
    record: Callable[[Verdict], None],
) -> None:
    answer = ask(case)
    verdict = judge(case, answer)
    record(verdict)
