"""The calibration set: who puts its order right, and who does not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fakebench_suite.deprecation import DeprecatedNameWarning
from fakebench_suite.errors import CalibrationError
from fakebench_suite.grading.embeddings import SentenceEncoder
from fakebench_suite.grading.judges.base import Judgement
from fakebench_suite.grading.judges.calibration import (
    CALIBRATION_ITEMS,
    TextVariant,
    build_text_variants,
    calibrate,
)
from fakebench_suite.grading.judges.rubric import RatingRequest
from fakebench_suite.grading.judges.similarity import SimilarityBaseline
from fakebench_suite.provenance import JudgeInfo
from fakebench_suite.types import Rating
from tests.endpoint_server import GOOD, Endpoint
from tests.helpers import call


class MarkingJudge:
    """Gives each kind of text the marks it was told to; None is no round at all."""

    name = "marking"

    def __init__(self, ratings: dict[TextVariant, int | None]) -> None:
        self._marks = {
            build_text_variants(index)[kind]: ratings.get(kind, 0)
            # References last: each is also the text on another image.
            for kind in list(TextVariant)[::-1]
            for index in range(len(CALIBRATION_ITEMS))
        }

    def check(self) -> None:
        """It always answers."""

    def describe(self) -> JudgeInfo:
        """Nothing to say."""
        return JudgeInfo()

    def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
        """The marks by text; another image's reference is told apart by the reference given."""
        return [self._grade(request) for request in requests]

    def _grade(self, request: RatingRequest) -> Judgement:
        points = self._marks[request.text]
        if " ".join(request.reference) != request.text and points == 2:
            points = 0
        if points is None:
            return Judgement(failed=1, reason="nothing")
        rating = Rating(completeness=points, preciseness=points, relevance=points, reason="")
        return Judgement(ratings=(rating,))


def test_a_judge_that_keeps_the_order_passes() -> None:
    """Reference above part above everything else, on every image."""
    audit = calibrate(MarkingJudge({TextVariant.REFERENCE: 2, TextVariant.PARTIAL: 1}))
    assert audit.passed
    assert set(audit.right.values()) == {1.0}
    assert audit.means["reference"] == 2
    assert audit.means["opposite"] == 0


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        (
            {TextVariant.REFERENCE: 2, TextVariant.PARTIAL: 1, TextVariant.OPPOSITE: 1},
            {"partial > opposite"},
        ),
        (
            {TextVariant.REFERENCE: 2, TextVariant.PARTIAL: 1, TextVariant.EMPTY: None},
            {"partial > empty"},
        ),
        ({TextVariant.REFERENCE: 1, TextVariant.PARTIAL: 1}, {"reference > partial"}),
    ],
)
def test_a_tie_or_a_silence_is_not_right(
    ratings: dict[TextVariant, int | None], expected: set[str]
) -> None:
    """Level scores and texts without marks count against the judge, in that comparison alone."""
    audit = calibrate(MarkingJudge(ratings))
    assert not audit.passed
    assert {name for name, share in audit.right.items() if share == 0} >= expected


@pytest.mark.checkpoint
def test_the_stand_in_cannot_tell_a_claim_from_its_opposite() -> None:
    """Its known limit, measured: all other comparisons come out right."""
    audit = calibrate(SimilarityBaseline(SentenceEncoder()))
    assert not audit.passed
    assert [name for name, share in audit.right.items() if share < 0.75] == ["partial > opposite"]
    assert audit.means["reference"] == pytest.approx(2, abs=1e-3)


def test_a_judge_that_gives_no_replies_is_not_audited() -> None:
    """What failed for technical reasons says nothing of the order."""

    class SilentJudge(MarkingJudge):
        def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
            judgements = list(super().grade(requests))
            judgements[7] = Judgement(failed=1, unanswered=1, reason="it broke")
            return judgements

    with pytest.raises(CalibrationError, match=r"1 of 48 texts.*it broke"):
        calibrate(SilentJudge({TextVariant.REFERENCE: 2, TextVariant.PARTIAL: 1}))


def test_the_command_tells_unfit_from_unasked_and_from_failed(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statuses 1, 2 and 3, and a sentence without a traceback for each."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    order = ("judge", "calibrate", f"--judge=openai:m@{endpoint.url}", "--judge-rounds=1")
    first = call(*order, cwd=tmp_path)
    assert first.returncode == 1
    assert "calibration failed" in first.stdout
    before = len(endpoint.asked)
    endpoint.behave = lambda _body, _number: (401, "wrong key sk-test-0123456789")
    second = call(*order, "--reports=other", cwd=tmp_path)
    assert second.returncode == 2
    assert len(endpoint.asked) == before + 1
    endpoint.behave = lambda _body, number: (200, GOOD) if number == before + 1 else (400, "broke")
    failed = call(*order, "--reports=third", cwd=tmp_path)
    assert failed.returncode == 3
    assert "could not be calibrated" in failed.stderr
    endpoint.behave = lambda _body, _number: (200, "no rating")
    silent = call(*order, "--reports=fourth", cwd=tmp_path)
    assert silent.returncode == 3
    assert "gave no ratings of known texts" in silent.stderr
    for result in (first, second, failed, silent):
        assert "Traceback" not in result.stderr
        assert "sk-test" not in result.stdout + result.stderr
    typo = call("judge", "calibrate", "--judge=opnai:m", cwd=tmp_path)
    assert typo.returncode == 2
    assert "openai:MODEL@URL" in typo.stderr


def test_the_old_names_of_the_commands_warn_and_still_work(tmp_path: Path) -> None:
    """``audit`` and ``agree`` are ``judge calibrate`` and ``judge agreement``."""
    with pytest.warns(DeprecatedNameWarning, match="'fakebench judge calibrate'"):
        result = call("audit", "--judge=opnai:m", cwd=tmp_path)
    assert result.returncode == 2
    assert "openai:MODEL@URL" in result.stderr
    with pytest.warns(DeprecatedNameWarning, match="'fakebench judge agreement'"):
        result = call("agree", "one", "two", cwd=tmp_path)
    assert result.returncode == 2
    assert "one is not a run directory" in result.stderr
