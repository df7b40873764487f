"""FakeClue, fault-finding mode: given that the image is fake, how can one tell?"""

from collections.abc import Callable

import pytest

from fakebench_suite.types import Answer, Case, Verdict

pytestmark = pytest.mark.interpretation


def test_interpretation(
    case: Case,
    ask: Callable[[Case], Answer],
    judge: Callable[[Case, Answer], Verdict],
    record: Callable[[Verdict], None],
) -> None:
    answer = ask(case)
    verdict = judge(case, answer)
    record(verdict)
