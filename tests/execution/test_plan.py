"""Model, data and cases of what the user asked for."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.backends.cards import Card
from fakebench_suite.datasets.sampling import Shard
from fakebench_suite.errors import UserError
from fakebench_suite.execution.plan import (
    RunRequest,
    choose_reading,
    find_lacking,
    find_want,
    make_plan,
)
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.types import QuestionType, Task
from tests.factories import CASE

COIN = RunRequest(model="coin")
TEXT_CASE = replace(CASE, task=Task.ANALYSIS, question_type=QuestionType.CRITERION)


def test_the_plan_has_every_case_once() -> None:
    """In an order that depends on the seed alone."""
    plan = make_plan(COIN)
    assert plan.planned == len(plan.cases) == len({case.id for case in plan.cases})
    assert set(plan.cases) == set(plan.dataset.cases)
    assert plan.cases == make_plan(COIN).cases
    assert plan.cases != make_plan(replace(COIN, seed=1)).cases


def test_tasks_are_chosen_after_the_sample() -> None:
    """So that the images of a sample do not depend on the tasks that are asked."""
    whole_plan = make_plan(replace(COIN, sample=6))
    detection_plan = make_plan(replace(COIN, sample=6, tasks=(Task.DETECTION,)))
    assert detection_plan.drawn == whole_plan.drawn
    assert detection_plan.cases == tuple(
        case for case in whole_plan.cases if case.task == Task.DETECTION
    )
    assert detection_plan.planned == len(detection_plan.cases)


def test_shards_share_the_cases_among_them() -> None:
    """None is in two, none is lost, and each knows how many there are in all."""
    shards = [make_plan(replace(COIN, shard=Shard(number=number, total=3))) for number in (1, 2, 3)]
    ids = [case.id for shard in shards for case in shard.cases]
    assert len(ids) == len(set(ids)) == len(make_plan(COIN).cases)
    assert {shard.planned for shard in shards} == {len(ids)}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (replace(COIN, model="coyn"), "coin"),
        (
            replace(COIN, tasks=(Task.DETECTION,), shard=Shard(number=1, total=10**9)),
            "fewer shards",
        ),
        (replace(COIN, reply_parser=ReplyParserKind.LIKELIHOOD), "has no probabilities to read"),
        (replace(COIN, data=Path("nowhere")), "nowhere"),
    ],
)
def test_what_does_not_fit_is_one_sentence(request_: RunRequest, message: str) -> None:
    """Before a model is loaded."""
    with pytest.raises(UserError, match=message):
        make_plan(request_)


@pytest.mark.parametrize(
    ("capabilities", "parser", "expected"),
    [
        ({Capability.TEXT}, ReplyParserKind.GRAMMAR, ReplyParserKind.GRAMMAR),
        ({Capability.TEXT}, ReplyParserKind.PAPER, ReplyParserKind.PAPER),
        ({Capability.PROBABILITIES}, ReplyParserKind.GRAMMAR, ReplyParserKind.LIKELIHOOD),
        (set(Capability), ReplyParserKind.LIKELIHOOD, ReplyParserKind.LIKELIHOOD),
        (set(Capability), ReplyParserKind.GRAMMAR, ReplyParserKind.GRAMMAR),
    ],
)
def test_replies_are_read_by_what_the_backend_gives(
    capabilities: Collection[Capability], parser: ReplyParserKind, expected: ReplyParserKind
) -> None:
    """A detector that writes no text is read by its probabilities."""
    request = replace(COIN, reply_parser=parser)
    card = Card(name="detector", backend="mine")
    assert choose_reading(request, card, capabilities).reply_parser is expected


def test_a_detector_is_asked_no_texts() -> None:
    """A task lacks what one of its cases needs."""
    likelihood = ReplyParserKind.LIKELIHOOD
    assert find_want(CASE, likelihood) is Capability.PROBABILITIES
    assert find_want(TEXT_CASE, likelihood) is Capability.TEXT
    assert find_want(CASE, ReplyParserKind.GRAMMAR) is Capability.TEXT
    lacking = find_lacking([CASE, TEXT_CASE], likelihood, {Capability.PROBABILITIES})
    assert lacking == {Task.ANALYSIS: Capability.TEXT}
    assert find_lacking([CASE, TEXT_CASE], likelihood, set(Capability)) == {}


def test_a_prompt_has_the_wording_of_the_request() -> None:
    """And the request says what is wanted of the backend."""
    plan = make_plan(COIN)
    case = next(case for case in plan.cases if case.task == Task.DETECTION)
    request = plan.build_request(case, {})
    assert request.prompt == plan.build_prompt(case)
    assert request.prompt.case == case.id
    assert request.want is Capability.TEXT
    assert plan.load_options(workers=3).workers == 3
    assert plan.load_options().wants == {Capability.TEXT}
