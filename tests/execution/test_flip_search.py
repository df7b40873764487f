"""The search asks in batches, and finds the smallest perturbation that changes a verdict."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakebench_suite.backends.base import NotAsked, Reply, Request
from fakebench_suite.datasets.perturbations import normalize, perturb
from fakebench_suite.errors import ModelError
from fakebench_suite.execution.flip_search import search_flips
from fakebench_suite.tasks.robustness import Chain, parse_chain, parse_image_name
from fakebench_suite.types import Answer, Case, FlipSearch, Usage
from tests.execution.searches import FAMILIES_OF_PICTURES, NOISE, PROMPTS, SIDE, make_searches
from tests.fakes import FakeModel, SharpnessModel, measure_sharpness


@dataclass(kw_only=True)
class ChainModel(FakeModel):
    """Says real where a rule over the chain holds that its picture is named by, else fake."""

    rule: Callable[[Chain], bool]

    def reply(self, request: Request, size: int) -> Reply:
        """One word."""
        _, chain = parse_image_name(request.prompt.image) or ("", ())
        return Answer(text="real" if self.rule(chain) else "fake", tokens=2, seconds=0.5,
                      batch_size=size)  # fmt: skip


def search(model: FakeModel, cases: int = 1, **options: object) -> list[Answer]:
    """The answers of a model after its searches."""
    replies = search_flips(model, *make_searches(cases, **options))  # type: ignore[arg-type]
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    assert len(answers) == len(replies) == cases
    return answers


def found(answer: Answer) -> FlipSearch:
    """What a search found."""
    assert answer.search is not None
    return answer.search


def test_sharpness_falls_with_quality() -> None:
    """The scripted model below looks at pixels: 60 is above its limit, and all below 60 is not."""
    picture = normalize(NOISE, SIDE)
    values = [
        measure_sharpness(perturb(picture, parse_chain(f"jpeg:{q}"))) for q in range(100, 4, -1)
    ]
    assert min(values[:41]) > 4.5 > max(values[41:])


def test_a_model_that_flips_below_quality_60_is_found_with_one_perturbation() -> None:
    """The weakest level that flips, within the prompts, and each round asks for all cases."""
    model = SharpnessModel(limit=4.5)
    answers = search(model, cases=4)
    for answer in answers:
        assert found(answer).flip == "jpeg:59"
        assert found(answer).is_minimal
        assert found(answer).prompts <= PROMPTS
        assert (found(answer).original_text, answer.text) == ("fake", "real")
    rounds = max(found(answer).rounds for answer in answers)
    asked = [len(call) for call in model.calls]
    assert len(asked) == rounds < 20
    assert sum(asked) == sum(found(answer).prompts for answer in answers)
    assert asked[0] > 4 * 20, "original, strongest levels and draws of all cases together"


def test_a_model_that_never_flips_ends_soon() -> None:
    """After what was drawn, alone and in chains, there is nothing to shrink."""
    model = FakeModel(text="fake")
    (answer,) = search(model)
    assert found(answer).flip is None
    assert found(answer).is_minimal
    assert answer.text == "fake"
    assert len(model.calls) == found(answer).rounds == 2
    assert found(answer).prompts <= 1 + len(FAMILIES_OF_PICTURES) + 2 * 20


def test_a_flip_that_needs_two_perturbations_is_found_in_chains() -> None:
    """And shrunk as far as the prompts reach."""

    def rule(chain: Chain) -> bool:
        return {"flip", "crop"} <= {perturbation.family for perturbation in chain}

    (answer,) = search(ChainModel(rule=rule), families=("flip", "crop", "blur"), prompts=200)
    assert found(answer).flip in ("flip+crop:0.98", "crop:0.98+flip")
    assert found(answer).is_minimal


@pytest.mark.parametrize("prompts", [1, 15, 40])
def test_no_more_is_asked_than_allowed(prompts: int) -> None:
    """The smallest flip that is known by then is given, and not called minimal."""
    model = ChainModel(rule=lambda chain: any(p.family == "jpeg" for p in chain))
    (answer,) = search(model, prompts=prompts)
    assert sum(map(len, model.calls)) == found(answer).prompts <= prompts
    flip = found(answer).flip
    if prompts == 1:
        assert (flip, found(answer).is_minimal) == (None, False)
    else:
        assert flip is not None
        assert flip.startswith("jpeg:")


def test_the_search_is_the_same_every_time() -> None:
    """For a seed and a case; another case draws other levels."""
    calls = []
    for _ in range(2):
        model = ChainModel(rule=lambda chain: any(p.family == "gamma" for p in chain))
        search(model, cases=2)
        calls.append(model.calls)
    assert calls[0] == calls[1]
    chains = [
        {case.partition("@")[2] for case in calls[0][0] if case.startswith(f"{number}.png")}
        for number in (0, 1)
    ]
    assert chains[0] != chains[1]


def test_what_has_no_verdict_cannot_flip() -> None:
    """One round, and no flip."""
    model = FakeModel(text="I cannot tell.")
    (answer,) = search(model)
    assert (found(answer).flip, found(answer).original_label) == (None, None)
    assert len(model.calls) == 1


@dataclass(kw_only=True)
class StumblingModel(ChainModel):
    """Fails at some chains."""

    fails: Callable[[Chain], bool]

    def reply(self, request: Request, size: int) -> Reply:
        """An error, where the rule says so."""
        _, chain = parse_image_name(request.prompt.image) or ("", ())
        return ModelError("out of tape") if self.fails(chain) else super().reply(request, size)


def test_a_search_with_errors_and_without_a_flip_is_an_error() -> None:
    """Of one prompt or of all but the original's: what failed might have flipped."""
    for fails in (bool, lambda chain: chain == parse_chain("flip")):
        model = StumblingModel(rule=lambda _: False, fails=fails)
        (reply,) = search_flips(model, *make_searches(1))
        assert isinstance(reply, ModelError)
        assert "of the search failed" in str(reply)
        assert "out of tape" in str(reply)
    broken = StumblingModel(rule=lambda _: False, fails=lambda chain: not chain)
    (reply,) = search_flips(broken, *make_searches(1))
    assert isinstance(reply, ModelError)


def test_a_flip_among_errors_is_not_called_minimal() -> None:
    """It is known to flip, and what failed may be smaller."""

    def has(family: str) -> Callable[[Chain], bool]:
        return lambda chain: any(p.family == family for p in chain)

    (answer,) = search(StumblingModel(rule=has("blur"), fails=has("jpeg")))
    assert found(answer).flip == "blur:0.2"
    assert found(answer).failed > 0
    assert not found(answer).is_minimal


def test_errors_change_nothing_where_there_is_no_verdict_to_flip() -> None:
    """The original asserts nothing, whatever failed."""

    class Undecided(FakeModel):
        def reply(self, request: Request, size: int) -> Reply:
            _, chain = parse_image_name(request.prompt.image) or ("", ())
            return ModelError("out of tape") if chain else super().reply(request, size)

    (answer,) = search(Undecided(text="I cannot tell."))
    assert found(answer).original_label is None


def test_a_search_that_is_stopped_is_asked_again() -> None:
    """No further round begins; what had come to its end keeps its answer."""
    model = SharpnessModel(limit=4.5)
    requests, searches = make_searches(2)
    stops = iter([None, "It is late."])
    replies = search_flips(model, requests, searches, is_stopped=lambda: next(stops))
    assert replies == [NotAsked("It is late.")] * 2
    assert len(model.calls) == 1


def test_tokens_and_costs_are_those_of_all_prompts() -> None:
    """A budget counts what was spent, whatever is shown."""

    class Paid(ChainModel):
        def reply(self, request: Request, size: int) -> Reply:
            answer = super().reply(request, size)
            assert isinstance(answer, Answer)
            usage = Usage(model="m", prompt_tokens=10, completion_tokens=2, cost=0.5)
            return replace(answer, usage=usage)

    (answer,) = search(Paid(rule=lambda _: False))
    prompts = found(answer).prompts
    assert (answer.tokens, answer.seconds) == (2 * prompts, 0.5 * prompts)
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.cost) == (10 * prompts, 0.5 * prompts)
    assert answer.usage.cached_tokens is None


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis leaves no database behind."""
    monkeypatch.chdir(tmp_path)
    search(ChainModel(rule=lambda chain: any(p.family == "noise" for p in chain)))
    assert list(tmp_path.iterdir()) == []


def test_cases_of_the_search_are_the_data_sets() -> None:
    """Their id and image say so."""
    requests, searches = make_searches(1)
    (case,) = [search.case for search in searches.values()]
    assert isinstance(case, Case)
    assert (case.id, case.image) == ("0.png:what@search", "0.png@original")
    assert requests[0].prompt.image == case.image


@pytest.mark.parametrize("quality", [5, 6, 9, 20, 50, 90])
def test_any_threshold_is_found(quality: int) -> None:
    """Also the strongest level alone, which is seldom drawn."""

    def rule(chain: Chain) -> bool:
        return any(
            p.family == "jpeg" and isinstance(p.strength, float | int) and p.strength <= quality
            for p in chain
        )

    (answer,) = search(ChainModel(rule=rule))
    assert (found(answer).flip, found(answer).is_minimal) == (f"jpeg:{quality}", True)
