"""Flips, losses and changes, against examples that are counted by hand."""

from dataclasses import replace

import pytest

from fakebench_suite.metrics.intervals import estimate_change
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.types import Answer, FlipSearch, Outcome, Record, Score
from tests.factories import make_perturbed

WORDS = {"r": "incorrect", "f": "correct", "?": "unparsed", "!": "model_error", "-": "unscored"}


def perturb(image: str, perturbation: str, word: str, p_fake: float | None = None) -> Record:
    """A record on a fake image, with the outcome that a letter of WORDS stands for."""
    return make_perturbed(image, perturbation, Outcome(WORDS[word]), p_fake)


def score(*rows: tuple[str, str]) -> dict[tuple[str, str], Score]:
    """The scores by metric and perturbation; one word for each image in turn."""
    records = [
        perturb(f"{number}.png", perturbation, word)
        for perturbation, words in rows
        for number, word in enumerate(words)
    ]
    return {
        (entry.metric, entry.subgroup.removeprefix("perturbation=")): entry
        for entry in score_records(records)
    }


def test_a_flip_needs_two_verdicts() -> None:
    """Of eight images: two have no original verdict or an error, one loses its verdict."""
    scores = score(("original", "ffffff?!"), ("identity", "fffffff!"), ("jpeg:70", "frf?f!rf"))
    flips = scores["flip_rate", "jpeg:70"]
    assert (flips.value, flips.n) == (0.25, 4)
    lost = scores["verdict_loss_rate", "jpeg:70"]
    assert (lost.value, lost.n) == (0.2, 5)
    change = scores["accuracy_change", "jpeg:70"]
    assert change.value == pytest.approx(-2 / 6)
    assert change.n == 6
    above = scores["flip_rate_above_identity", "jpeg:70"]
    assert (above.value, above.n) == (0.25, 4)
    assert scores["accuracy", "jpeg:70"].value == pytest.approx(4 / 7)


def test_what_cannot_be_scored_any_more_is_a_lost_verdict() -> None:
    """It is no flip, and in no accuracy, here or before."""
    scores = score(("original", "ffff-f"), ("identity", "ffffff"), ("jpeg:70", "--rfff"))
    lost = scores["verdict_loss_rate", "jpeg:70"]
    assert (lost.value, lost.n) == (0.4, 5)
    assert scores["flip_rate", "jpeg:70"].n == 3
    change = scores["accuracy_change", "jpeg:70"]
    assert change.value == pytest.approx(-1 / 3)
    assert change.n == 3
    assert scores["verdict_loss_rate", "all"].value == 0.4


def test_identity_is_the_noise_floor() -> None:
    """A model that changes its mind at random flips no more under a perturbation."""
    scores = score(
        ("original", "ffffffff"), ("identity", "rrffffff"), ("blur:1", "ffrrffff"),
    )  # fmt: skip
    assert scores["flip_rate", "identity"].value == 0.25
    assert scores["flip_rate", "blur:1"].value == 0.25
    above = scores["flip_rate_above_identity", "blur:1"]
    assert above.value == 0
    assert above.low is not None
    assert above.high is not None
    assert above.low < 0 < above.high
    assert scores["flip_rate", "all"].n == 8


def test_a_model_that_never_flips_has_an_interval_that_holds_zero() -> None:
    """It says how much could have been missed on so few images."""
    scores = score(("original", "f" * 20), ("identity", "f" * 20), ("jpeg:10", "f" * 20))
    flips, change = scores["flip_rate", "jpeg:10"], scores["accuracy_change", "jpeg:10"]
    assert (flips.value, flips.low) == (0, 0)
    assert flips.high == pytest.approx(0.161, abs=0.001)  # Wilson, 0 of 20
    assert (change.value, change.high) == (0, flips.high)
    assert change.low == pytest.approx(-0.161, abs=0.001)


def test_intervals_resample_the_images_of_the_data_set() -> None:
    """Two questions about one image are no two images, however the perturbed one is called."""
    records = [
        replace(record, case=replace(record.case, id=f"{record.case.id}/{question}",
                original_case=f"{record.case.original_case}/{question}"))
        for question in "ab"
        for name, words in (("original", "ffff"), ("jpeg:70", "ffff"))
        for number, word in enumerate(words)
        for record in [perturb(f"{number}.png", name, word)]
    ]  # fmt: skip
    flips = next(
        s for s in score_records(records)
        if (s.metric, s.subgroup) == ("flip_rate", "perturbation=jpeg:70")
    )  # fmt: skip
    assert flips.n == 8
    assert flips.high == pytest.approx(0.490, abs=0.001)  # Wilson, 0 of 4


def test_calibration_drifts() -> None:
    """The error of P(fake) on fakes is one minus it; it has no interval."""
    records = [
        perturb(f"{number}.png", name, "f", p_fake=chance)
        for name, chance in (("original", 0.9), ("noise:8", 0.6))
        for number in range(4)
    ]
    scores = {(s.metric, s.subgroup): s for s in score_records(records)}
    drift = scores["calibration_change", "perturbation=noise:8"]
    assert drift.value == pytest.approx(0.3)
    assert drift.low is None
    assert not any(name == "calibration_change" for name, _ in score(("original", "f")))


def search(
    number: int, flip: str | None, label: str | None, *, ended: bool = True, failed: int = 0
) -> Record:
    """The record of a search on a fake image whose original reply asserts ``label``."""
    found = FlipSearch(
        prompts=9, rounds=2, flip=flip, is_minimal=ended, original_text="x", original_label=label,
        failed=failed,
    )  # fmt: skip
    answer = Answer(text="x", tokens=1, seconds=0.1, batch_size=1, search=found)
    return replace(perturb(f"{number}.png", "search", "f"), answer=answer)


def test_a_search_has_scores_of_its_own() -> None:
    """It is in no accuracy; of four cases one has no verdict, one flips, one was wrong before."""
    found = (("jpeg:59", "fake"), (None, "fake"), (None, "real"), (None, None))
    records = [search(number, *pair) for number, pair in enumerate(found)]
    scores = {s.metric: s for s in score_records(records)}
    assert scores["search_flip_rate"].value == pytest.approx(1 / 3)
    assert scores["search_flip_rate"].n == 3
    assert (scores["robust_accuracy"].value, scores["robust_accuracy"].n) == (0.25, 4)
    assert "flip_rate" not in scores
    assert scores["accuracy"].n == 0


def test_a_search_that_settles_nothing_is_in_no_score() -> None:
    """It ran out of prompts, or some failed, and knows of no flip; a flip is one in any case."""
    records = [
        search(0, None, "fake"),
        search(1, None, "fake", ended=False),
        search(2, None, "fake", failed=3),
        search(3, "jpeg:59", "fake", ended=False, failed=3),
        search(4, None, None, ended=False),
    ]
    scores = {s.metric: s for s in score_records(records)}
    assert (scores["search_flip_rate"].value, scores["search_flip_rate"].n) == (0.5, 2)
    assert scores["robust_accuracy"].value == pytest.approx(1 / 3)
    assert scores["robust_accuracy"].n == 3


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        ([0] * 10, -0.278, 0.278),  # Wilson, 0 of 10, on either side
        ([-1] * 10, -1, -0.722),
        ([1] * 10, 0.722, 1),
    ],
)
def test_changes_that_are_all_alike_have_wilson_bounds(
    changes: list[int], low: float, high: float
) -> None:
    """A bootstrap of them would be certain."""
    estimate = estimate_change(changes, list(map(str, range(10))))
    assert estimate.low == pytest.approx(low, abs=0.001)
    assert estimate.high == pytest.approx(high, abs=0.001)
