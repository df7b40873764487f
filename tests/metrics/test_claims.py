"""Explanations are scored by what they claim, against what is known of the images."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.grading.claims.grounding import CriterionStatus, find_truth, ground_claims
from fakebench_suite.metrics.claims import (
    compare_claims,
    find_claims,
    ground_records,
    score_claims,
)
from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import INFERENCE
from fakebench_suite.types import (
    Authenticity,
    Case,
    Clue,
    FinishReason,
    Outcome,
    PixelDigest,
    QuestionType,
    Record,
    Region,
    Task,
    Verdict,
)
from tests.factories import make_answer

SIZE = (128, 128)
Explain = Callable[[Case], str]


def make_pairs(count: int = 40) -> list[Case]:
    """The reasoning question about both images of so many pairs of probes, of all forgeries."""
    cases = []
    for case in load_probes(count).cases:
        if case.task == Task.DETECTION and case.question_type is QuestionType.WHAT:
            asked = replace(
                case,
                id=f"{case.image}:inference",
                task=Task.REASONING,
                question=INFERENCE,
                question_type=QuestionType.INFERENCE,
            )
            cases.append(asked)
    return cases


def make_record(case: Case, text: str, outcome: Outcome = Outcome.CORRECT) -> Record:
    """A record of that reply."""
    return Record(
        case=case,
        prompt=case.question,
        answer=None if outcome.is_error else make_answer(text),
        verdict=Verdict(outcome=outcome, reason="because"),
        worker="main",
        pixels=PixelDigest(digest="d", size=SIZE),
    )


def score(cases: list[Case], explain: Explain) -> dict[tuple[str, str], Estimate]:
    """The scores of what ``explain`` replies to each case."""
    records = [make_record(case, explain(case)) for case in cases]
    return {(metric, name): value for metric, name, value in score_claims(records)}


def explain_perfectly(case: Case) -> str:
    """The violated criterion at its place, and that all is well in an untouched image."""
    if not case.regions:
        return "Nothing is unnatural here, and there is no distortion. It is real."
    (region,) = case.regions
    left, top, right, bottom = region.box
    row = "upper" if top + bottom < SIZE[1] else "lower"
    column = "left" if left + right < SIZE[0] else "right"
    claim = {
        "distortion": "There is distortion",
        "content deficiency": "There is a content deficiency",
        "unrealistic": "The image is unrealistic",
    }.get(str(region.criterion), f"The {region.criterion} is unnatural")
    return f"{claim} in the {row} {column}. It is fake."


_NOUNS = [
    name for name in CRITERIA if name not in ("distortion", "content deficiency", "unrealistic")
]
_EVERYTHING = (
    *(f"The {name} is unnatural" for name in _NOUNS),
    "There is distortion", "There is a content deficiency", "The image is unrealistic",
)  # fmt: skip


def babble_all(_: Case) -> str:
    """Every criterion, everywhere, of every image."""
    return " ".join(f"{claim} everywhere in the whole image." for claim in _EVERYTHING)


def babble_at_random(case: Case) -> str:
    """Half of the criteria, at a corner that is drawn."""
    rng = random.Random(case.id)
    corner = f"{rng.choice(['upper', 'lower'])} {rng.choice(['left', 'right'])}"
    return " ".join(f"{claim} in the {corner}." for claim in rng.sample(_EVERYTHING, 7))


def test_a_perfect_explainer_scores_1() -> None:
    """It finds what was planted, and nothing else, at the right place, and not in the twin."""
    scores = score(make_pairs(), explain_perfectly)
    for metric in (
        "claim_informedness_all_images", "claim_precision", "claim_recall", "claim_f1",
    ):  # fmt: skip
        assert scores[metric, "all"].value == 1
        assert scores[metric, "criterion=texture"].value == 1
        low = scores[metric, "all"].low
        assert low is not None
        assert 0.7 < low < 1
    assert scores["claim_informedness", "all"].value == 1
    assert scores["claim_informedness", "criterion=clarity"].value == 1
    assert scores["hallucinated_claim_rate", "all"].value == 0
    assert scores["claim_place_accuracy", "all"].value == 1
    assert scores["claim_place_chance", "all"].value == pytest.approx(0.25)
    assert scores["claim_deletion_rate", "all"].value == 1
    assert scores["claim_deletion_rate", "all"].n == 40
    assert scores["claim_informedness", "all"].n == 40
    assert scores["claim_informedness_all_images", "all"].n == 80
    chance = scores["claim_deletion_chance", "all"].value
    assert chance is not None
    assert 0.9 < chance < 1
    assert scores["unread_claims_rate", "all"].value == 0


def test_a_babbler_scores_0() -> None:
    """It finds everything, and as much where nothing is."""
    scores = score(make_pairs(), babble_all)
    assert scores["claim_recall", "all"].value == 1
    assert scores["claim_informedness", "all"].value == 0
    assert (scores["claim_f1", "all"].value or 1) < 0.15
    assert scores["hallucinated_claim_rate", "all"].value == 1
    assert scores["claim_place_accuracy", "all"].value == 1
    assert scores["claim_place_chance", "all"].value == 1
    assert scores["claim_deletion_rate", "all"].value == 0
    assert scores["claim_deletion_chance", "all"].value == 0


def babble_where_forged(case: Case) -> str:
    """Everything of a forged image, and nothing of a real one: the label, and no look at it."""
    return babble_all(case) if case.label is Authenticity.FAKE else "All is natural. It is real."


def test_knowing_the_label_alone_scores_0() -> None:
    """Only over the real images too does it look like knowing what is wrong."""
    scores = score(make_pairs(), babble_where_forged)
    informedness = scores["claim_informedness", "all"]
    assert informedness.value == 0
    assert informedness.low is not None
    assert informedness.high is not None
    assert informedness.low < 0 < informedness.high
    assert (scores["claim_informedness_all_images", "all"].value or 0) > 0.7


def test_guessing_one_criterion_of_forged_images_scores_0() -> None:
    """Also where that is never intact in a forged image, so that no guess of it can be wrong."""
    for claim in ("The texture is unnatural.", "The clarity is poor.", "There is distortion."):
        scores = score(
            make_pairs(),
            lambda case, claim=claim: (  # type: ignore[misc]
                claim if case.label is Authenticity.FAKE else "All is natural."
            ),
        )
        assert scores["claim_informedness", "all"].value == pytest.approx(0, abs=1e-9)


def test_an_analysis_without_intact_criteria_has_no_informedness() -> None:
    """Where forged images are asked about what was planted only, and where also about others."""
    cases = [
        replace(
            case,
            id=f"{case.image}:{name}",
            task=Task.ANALYSIS,
            question=f"How is the {name}?",
            question_type=QuestionType.CRITERION,
            criterion=name,
        )
        for case in make_pairs()
        for name in ("clarity", "perspective")
    ]
    planted = [
        case for case in cases if not case.regions or case.regions[0].criterion == case.criterion
    ]
    alone = score(planted, babble_where_forged)
    assert ("claim_informedness", "all") not in alone
    assert alone["claim_informedness_all_images", "all"].value == 1
    assert alone["claim_recall", "all"].value == 1
    assert score(cases, babble_where_forged)["claim_informedness", "all"].value == 0
    assert score(cases, explain_perfectly)["claim_informedness", "all"].value == 1


def test_random_claims_score_about_0() -> None:
    """Their interval holds 0, and their places are as right as chance has it."""
    scores = score(make_pairs(120), babble_at_random)
    informedness = scores["claim_informedness", "all"]
    assert informedness.low is not None
    assert informedness.high is not None
    assert informedness.low < 0 < informedness.high
    assert informedness.value == pytest.approx(0, abs=0.2)
    place, chance = scores["claim_place_accuracy", "all"], scores["claim_place_chance", "all"]
    assert place.low is not None
    assert place.high is not None
    assert chance.value is not None
    assert place.low < chance.value < place.high


def test_silence_scores_0() -> None:
    """Who claims nothing is never wrong and finds nothing; precision is undefined."""
    scores = score(make_pairs(), lambda _: "It is real.")
    assert scores["claim_informedness", "all"].value == 0
    assert scores["claim_recall", "all"].value == 0
    assert scores["hallucinated_claim_rate", "all"].value == 0
    assert ("claim_precision", "all") not in scores
    assert ("claim_place_accuracy", "all") not in scores


def test_a_claim_that_stays_with_the_twin_is_not_deleted() -> None:
    """Claims of forged images are tested against the same question about the untouched one."""
    cases = make_pairs()
    forged = {case.image: explain_perfectly(case) for case in cases if case.regions}
    same = score(cases, lambda case: forged.get(case.image) or forged[str(case.paired_image)])
    assert same["claim_deletion_rate", "all"].value == 0
    alone = score([case for case in cases if case.regions], explain_perfectly)
    assert ("claim_deletion_rate", "all") not in alone


def test_replies_in_other_languages_are_not_scored() -> None:
    """They are counted, and are neither silence nor claims."""
    cases = make_pairs()
    half = {case.id for case in cases[: len(cases) // 2]}
    foreign = "La texture est incohérente et les ombres ne sont pas naturelles."
    scores = score(cases, lambda case: foreign if case.id in half else explain_perfectly(case))
    assert scores["unread_claims_rate", "all"].value == 0.5
    assert scores["claim_recall", "all"].value == 1
    assert scores["claim_recall", "all"].n == 20
    assert {
        metric: rate.value for (metric, _), rate in score(cases, lambda _: foreign).items()
    } == {
        "unread_claims_rate": 1,
        "unexplained_rate": 0,
    }


REFUSALS = ("I'm sorry, I can't help with that.", "", "<think>The texture is", "  \n")


@pytest.mark.parametrize("reply", REFUSALS)
def test_what_explains_nothing_is_no_silence(reply: str) -> None:
    """Refusing untouched images is no merit, and refusing forged ones no miss."""
    cases = make_pairs()
    scores = score(cases, lambda case: explain_perfectly(case) if case.regions else reply)
    assert scores["unexplained_rate", "all"].value == 0.5
    assert scores["unread_claims_rate", "all"].value == 0
    assert scores["claim_recall", "all"].value == 1
    assert ("claim_deletion_rate", "all") not in scores
    assert ("hallucinated_claim_rate", "all") not in scores
    assert {metric for metric, _ in score(cases, lambda _: reply)} == {
        "unexplained_rate", "unread_claims_rate",
    }  # fmt: skip


def test_what_explains_nothing_has_no_findings_to_show() -> None:
    """The page of a record does not call a refusal a miss."""
    case = next(case for case in make_pairs(1) if case.regions)
    record = make_record(case, explain_perfectly(case))
    assert find_claims(record, ground_records([record])) is not None
    refused = [make_record(case, reply) for reply in REFUSALS]
    assert all(find_claims(record, ground_records([record])) is None for record in refused)


@pytest.mark.parametrize("outcome", [Outcome.TRUNCATED, Outcome.REFUSED])
def test_verdicts_without_an_answer_explain_nothing(outcome: Outcome) -> None:
    """What was cut off before its conclusion is no whole explanation."""
    records = [make_record(case, "The texture is", outcome) for case in make_pairs(4)]
    scores = {metric: estimate.value for metric, _, estimate in score_claims(records)}
    assert scores == {"unexplained_rate": 1, "unread_claims_rate": 0}


def test_a_content_filter_explains_nothing() -> None:
    """Whatever text is left of the reply."""
    (case, *_) = make_pairs(1)
    record = make_record(case, "The texture is natural.")
    assert record.answer is not None
    answer = replace(record.answer, finish_reason=FinishReason.CONTENT_FILTER)
    scores = {
        metric: estimate.value
        for metric, _, estimate in score_claims([replace(record, answer=answer)])
    }
    assert scores["unexplained_rate"] == 1


def test_a_doubt_beside_claims_is_an_explanation() -> None:
    """It cannot say all, and says something."""
    cases = make_pairs(4)
    doubt = "I cannot determine how it was made. The texture is unnatural."
    assert score(cases, lambda _: doubt)["unexplained_rate", "all"].value == 0


def test_errors_are_no_silence() -> None:
    """A record without an answer is in no score of claims."""
    cases = make_pairs(4)
    errors = [make_record(case, "", Outcome.MODEL_ERROR) for case in cases]
    assert list(score_claims(errors)) == []


def test_without_truth_there_are_no_scores() -> None:
    """FakeBench's references are withheld: its fake images have no score, not a score of zero."""
    case = Case(
        id="sd-1.png:inference", task=Task.REASONING, image="sd-1.png", question=INFERENCE,
        question_type=QuestionType.INFERENCE, label=Authenticity.FAKE, generator="sd",
    )  # fmt: skip
    assert not find_truth(case)
    assert ground_claims(case, "The texture is unnatural.", SIZE) is None
    assert list(score_claims([make_record(case, "The texture is unnatural.")])) == []


def make_case(**fields: object) -> Case:
    """A case on a fake image, interpreted."""
    case = Case(
        id="a:x", task=Task.INTERPRETATION, image="a", question="Why?",
        question_type=QuestionType.FAULTFINDING, label=Authenticity.FAKE,
    )  # fmt: skip
    return replace(case, **fields)  # type: ignore[arg-type]


def test_truth_is_of_regions_clues_and_intact_criteria() -> None:
    """A region without criterion or category has those that its description claims."""
    region = Region(box=(0, 0, 10, 10), description="The edges of the cup are jagged.")
    known = find_truth(
        make_case(
            regions=(region, Region(box=(0, 0, 5, 5), criterion="theme")),
            expected=(Clue(text="Dull.", criterion="clarity"), Clue(text="Odd.")),
            intact_criteria=("edge", "symmetry"),
        )
    )
    assert set(known.violated) == {"edge", "theme", "clarity"}
    assert known.violated["edge"] == (region,)
    assert known.intact == {"symmetry"}


def test_an_analysis_is_about_the_criterion_that_was_asked() -> None:
    """Other claims are extra: neither found nor hallucinated."""
    asked = make_case(
        task=Task.ANALYSIS, question_type=QuestionType.CRITERION, criterion="edge",
        regions=(Region(box=(0, 0, 64, 64), criterion="edge"),), intact_criteria=("theme",),
    )  # fmt: skip
    grounding = ground_claims(asked, "It looks strange in the upper left. The theme is odd.", SIZE)
    assert grounding is not None
    status = {finding.criterion: finding.status for finding in grounding.findings}
    assert status == {"edge": CriterionStatus.FOUND, "theme": CriterionStatus.UNKNOWN}
    (edge,) = (finding for finding in grounding.findings if finding.criterion == "edge")
    assert edge.is_place_right
    assert edge.texts == ("it looks strange in the upper left",)


def test_thoughts_claim_nothing() -> None:
    """What a model thinks before it answers is not its explanation."""
    case = make_case(intact_criteria=("edge",))
    text = "<think>The edge is unnatural.</think>The edge is natural."
    one = ground_records([make_record(case, text)])[case.id]
    assert [finding.status for finding in one.grounding.findings] == [CriterionStatus.REJECTED]


@pytest.mark.parametrize(
    ("box", "text", "right"),
    [
        ((0, 0, 40, 40), "in the upper left", True),
        ((0, 0, 40, 40), "in the lower right", False),
        ((0, 0, 40, 40), "in the whole image", True),
        ((0, 0, 40, 40), "in the whole image and most in the lower right", False),
        ((0, 0, 128, 128), "in the upper left", None),
        ((0, 0, 40, 40), "", None),
    ],
)
def test_a_place_is_right_where_the_region_is(
    box: tuple[float, float, float, float], text: str, right: bool | None
) -> None:
    """By the region's centre; of a region as large as the image, no place is right or wrong."""
    case = make_case(regions=(Region(box=box, criterion="edge"),))
    grounding = ground_claims(case, f"The edges are jagged {text}.", SIZE)
    assert grounding is not None
    (finding,) = grounding.findings
    assert finding.is_place_right is right
    unsized = ground_claims(case, f"The edges are jagged {text}.", None)
    assert unsized is not None
    assert unsized.findings[0].is_place_right is None


def test_without_intact_criteria_no_claim_can_be_wrong() -> None:
    """Where all that is known is violated there is recall, and no precision."""
    case = make_case(regions=(Region(box=(0, 0, 40, 40), criterion="edge"),))
    record = make_record(case, "The edges are jagged. The texture is odd.")
    metrics = {metric for metric, _, _ in score_claims([record])}
    assert metrics == {"claim_recall", "unread_claims_rate", "unexplained_rate"}


def test_without_violated_criteria_no_claim_can_be_right() -> None:
    """Of real images alone there are hallucinations, and no precision of zero."""
    real = [case for case in make_pairs(8) if not case.regions]
    scores = score(real, babble_all)
    assert {metric for metric, _ in scores} == {
        "hallucinated_claim_rate", "unread_claims_rate", "unexplained_rate",
    }  # fmt: skip


def test_random_claims_are_deleted_as_often_as_by_chance() -> None:
    """Half of them are in any other reply."""
    scores = score(make_pairs(80), babble_at_random)
    gone, chance = scores["claim_deletion_rate", "all"], scores["claim_deletion_chance", "all"]
    assert chance.value == pytest.approx(0.5, abs=0.1)
    assert chance.value is not None
    assert gone.low is not None
    assert gone.high is not None
    assert gone.low < chance.value < gone.high


def test_cases_whose_truth_was_corrected_are_not_compared() -> None:
    """Two runs may be of data whose regions changed in between; a reply is no better for that."""
    cases = make_pairs(12)
    before = [make_record(case, babble_all(case)) for case in cases]
    after = [make_record(case, explain_perfectly(case)) for case in cases]
    changes = {change.metric: change for change in compare_claims(before, after)}
    assert changes["hallucinated_claim_rate"].after == 0
    corrected = [
        replace(record, case=replace(record.case, intact_criteria=()))
        if record.case.regions
        else record
        for record in after
    ]
    of_real = {change.metric: change for change in compare_claims(before, corrected)}
    assert set(of_real) == {"hallucinated_claim_rate"}
    assert of_real["hallucinated_claim_rate"] == changes["hallucinated_claim_rate"]


def test_two_records_of_a_case_are_refused() -> None:
    """One would silently stand in the place of the other, as of two runs put together."""
    case = make_pairs(1)[0]
    records = [make_record(case, text) for text in ("The texture is odd.", "All is natural.")]
    with pytest.raises(ValueError, match="score one run at a time"):
        ground_records(records)
