"""All metrics: the meaning, range, graders and needs of each.

Gates over a misspelt metric, or with a bound outside its range, are refused before the first case.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from fakebench_suite.extras import Extra, format_install
from fakebench_suite.tasks.registry import Grader, get_task
from fakebench_suite.types import Task


class Need(StrEnum):
    """The option that a metric needs, or the command that installs what it needs."""

    LIKELIHOOD = "--reading=likelihood"
    RATINGS = "--judge=openai:MODEL@URL or transformers:NAME|PATH"
    SIMILARITY = "--judge=embedding"
    ENCODER = format_install(Extra.SIMILARITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of ``scores.json``."""

    meaning: str
    """One line, shown to people."""
    low: float = 0.0
    high: float = 1.0
    graders: tuple[Grader, ...] = tuple(Grader)
    """It is a score of tasks that are graded in one of these ways."""
    task: str | None = None
    """The only task that has it; None where the grader decides."""
    divides: bool = False
    """True if subgroups have it too."""
    need: Need | None = None


def is_score_of(metric: Metric, task: str) -> bool:
    """Whether a task has a metric.

    Of those of its grader a derived task has accuracies and the rates of all tasks: others, such as
    balanced accuracy, would mix perturbations.
    """
    spec = get_task(task)
    if metric.task is not None:
        return metric.task == task
    whole = metric.divides or metric.graders == tuple(Grader)
    return spec.grader in metric.graders and (whole or not spec.derived)


_LABELS = (Grader.LABEL,)
_TEXTS = (Grader.TEXT, Grader.LABEL_AND_TEXT)
_BOXES = (Grader.BOX,)

METRICS: Mapping[str, Metric] = MappingProxyType({
    "accuracy": Metric(
        meaning="share of scored cases that pass; replies without a label count as wrong",
        divides=True,
    ),
    "accuracy_parsed": Metric(
        meaning="accuracy over the replies that assert something",
        graders=(Grader.LABEL, Grader.LABEL_AND_TEXT, Grader.CHOICE, Grader.BOX), divides=True,
    ),
    "label_accuracy": Metric(
        meaning="share of replies whose conclusion, fake or real, is right; a judge has no say",
        graders=(Grader.LABEL_AND_TEXT,), divides=True,
    ),
    "label_accuracy_parsed": Metric(
        meaning="label accuracy over the replies that assert something",
        graders=(Grader.LABEL_AND_TEXT,), divides=True,
    ),
    "f1_score": Metric(
        meaning='harmonic mean of precision and recall of "fake"; needs images of both kinds',
        graders=(Grader.LABEL, Grader.LABEL_AND_TEXT),
    ),
    "first_choice_rate": Metric(
        meaning="share of parsed replies that choose the first option", graders=(Grader.CHOICE,)
    ),
    "balanced_accuracy": Metric(
        meaning="mean of the accuracies on fake and on real images; 0.5 is chance",
        graders=_LABELS,
    ),
    "fake_real_gap": Metric(
        meaning="accuracy on fake images minus accuracy on real images", low=-1.0, graders=_LABELS
    ),
    "fake_rate": Metric(meaning="share of parsed replies that say fake", graders=_LABELS),
    "yes_rate": Metric(
        meaning="share of yes among the replies to yes-or-no questions", graders=_LABELS
    ),
    "matthews_corrcoef": Metric(
        meaning="correlation of verdict and truth; 0 is chance", low=-1.0, graders=_LABELS
    ),
    "polarity_consistency": Metric(
        meaning="share of images with one verdict on 'is it fake?' and 'is it real?'",
        graders=_LABELS,
    ),
    "pairwise_accuracy": Metric(
        meaning="share of probe pairs in which the forged one ranks as faker", graders=_LABELS
    ),
    "roc_auc": Metric(
        meaning="chance that P(fake) of a fake is above that of a real image; 0.5 is chance",
        graders=_LABELS, need=Need.LIKELIHOOD,
    ),
    "average_precision": Metric(
        meaning="precision of P(fake) averaged over recall", graders=_LABELS,
        need=Need.LIKELIHOOD,
    ),
    "equal_error_rate": Metric(
        meaning="error rate at the threshold on P(fake) where both classes err alike; 0 is best",
        graders=_LABELS, need=Need.LIKELIHOOD,
    ),
    "best_threshold_accuracy": Metric(
        meaning="accuracy at the threshold on P(fake) that suits these cases best: an upper bound",
        graders=_LABELS, need=Need.LIKELIHOOD,
    ),
    "expected_calibration_error": Metric(
        meaning="mean gap between P(fake) and the share of fakes, over ten bins; 0 is best",
        graders=_LABELS, need=Need.LIKELIHOOD,
    ),
    "flip_rate": Metric(
        meaning="share of verdicts that differ from the one on the unperturbed case",
        task=Task.ROBUSTNESS, graders=_LABELS, divides=True,
    ),
    "flip_rate_above_identity": Metric(
        meaning="flip rate minus that of the same case asked again", low=-1.0,
        task=Task.ROBUSTNESS, graders=_LABELS, divides=True,
    ),
    "verdict_loss_rate": Metric(
        meaning="share of verdicts that are none any more once the case is perturbed",
        task=Task.ROBUSTNESS, graders=_LABELS, divides=True,
    ),
    "accuracy_change": Metric(
        meaning="accuracy minus that on the same cases unperturbed", low=-1.0,
        task=Task.ROBUSTNESS, graders=_LABELS, divides=True,
    ),
    "calibration_change": Metric(
        meaning="expected calibration error minus that on the same cases unperturbed", low=-1.0,
        task=Task.ROBUSTNESS, graders=_LABELS, divides=True, need=Need.LIKELIHOOD,
    ),
    "search_flip_rate": Metric(
        meaning="share of verdicts for which the search found a perturbation that changes them",
        task=Task.ROBUSTNESS, graders=_LABELS,
    ),
    "robust_accuracy": Metric(
        meaning="share of searched cases that are right and for which no flip was found",
        task=Task.ROBUSTNESS, graders=_LABELS,
    ),
    "parsed_rate": Metric(meaning="share of replies that assert something"),
    "unparsed_rate": Metric(meaning="share of replies in which no verdict was found"),
    "refused_rate": Metric(meaning="share of replies that refuse to answer"),
    "truncated_rate": Metric(meaning="share of replies cut off before they assert anything"),
    "unscored_rate": Metric(meaning="share of cases without a reference"),
    "cut_off_rate": Metric(meaning="share of replies that reached the token limit"),
    "model_error_rate": Metric(meaning="share of cases in which the model failed"),
    "judge_error_rate": Metric(meaning="share of cases in which the judge failed"),
    "image_error_rate": Metric(meaning="share of cases whose image could not be opened"),
    "format_followed": Metric(meaning="share of replies in the format that was asked for"),
    "exact_score": Metric(
        meaning="score of texts on probes, whose forgery is known, 0 to 2", high=2.0, graders=_TEXTS
    ),
    "similarity_score": Metric(
        meaning="score of texts by similarity alone, 0 to 2; not a judge's rating", high=2.0,
        graders=_TEXTS, need=Need.SIMILARITY,
    ),
    "judged_score": Metric(
        meaning="mean of the judge's three ratings, 0 to 2", high=2.0, graders=_TEXTS,
        need=Need.RATINGS,
    ),
    "completeness": Metric(
        meaning="the judge's rating for covering the reference, 0 to 2", high=2.0, graders=_TEXTS,
        need=Need.RATINGS,
    ),
    "preciseness": Metric(
        meaning="the judge's rating for not contradicting the reference, 0 to 2", high=2.0,
        graders=_TEXTS, need=Need.RATINGS,
    ),
    "relevance": Metric(
        meaning="the judge's rating for answering the question, 0 to 2", high=2.0, graders=_TEXTS,
        need=Need.RATINGS,
    ),
    "judge_round_sd": Metric(
        meaning="standard deviation of the judge's rounds on one text", high=2.0, graders=_TEXTS,
        need=Need.RATINGS,
    ),
    "judge_failed_rounds": Metric(
        meaning="rounds per text without a rating by the judge", high=math.inf, graders=_TEXTS,
        need=Need.RATINGS,
    ),
    "bleu_1": Metric(meaning="words shared with the reference (BLEU-1)", graders=_TEXTS),
    "bleu_2": Metric(meaning="word pairs shared with the reference (BLEU-2)", graders=_TEXTS),
    "rouge_l": Metric(meaning="longest common word sequence (ROUGE-L)", graders=_TEXTS),
    "similarity": Metric(
        meaning="cosine similarity of reply and reference in a sentence encoder", low=-1.0,
        graders=_TEXTS, need=Need.ENCODER,
    ),
    "clue_recall": Metric(
        meaning="share of the reference's clues that are in the reply", graders=_TEXTS,
        need=Need.ENCODER,
    ),
    "clue_precision": Metric(
        meaning="share of the reply's sentences that match a clue", graders=_TEXTS,
        need=Need.ENCODER,
    ),
    "claim_informedness": Metric(
        meaning="recall minus false alarm rate of claims, mean over criteria; 0 is chance",
        low=-1.0, graders=_TEXTS,
    ),
    "claim_precision": Metric(
        meaning="share of claimed criteria that are violated, of those known", graders=_TEXTS
    ),
    "claim_recall": Metric(
        meaning="share of violated criteria that the reply claims", graders=_TEXTS
    ),
    "claim_f1": Metric(
        meaning="harmonic mean of precision and recall of claims", graders=_TEXTS
    ),
    "hallucinated_claim_rate": Metric(
        meaning="share of replies on real images that claim an anomaly", graders=_TEXTS
    ),
    "claim_place_accuracy": Metric(
        meaning="share of right claims with a place whose place is right", graders=_TEXTS
    ),
    "claim_place_chance": Metric(
        meaning="share of the picture that these places cover: the accuracy of chance",
        graders=_TEXTS,
    ),
    "claim_deletion_rate": Metric(
        meaning="share of right claims that are gone when the untouched twin is shown",
        graders=_TEXTS,
    ),
    "unread_claims_rate": Metric(
        meaning="share of replies whose claims are not read: not in English", graders=_TEXTS
    ),
    "mean_iou": Metric(
        meaning="overlap of each region with the box that fits it best (IoU), mean over regions",
        graders=_BOXES,
    ),
    "pointing_game": Metric(
        meaning="share of images with regions in which the first box has its centre in one",
        graders=_BOXES,
    ),
    "box_precision": Metric(
        meaning="share of boxes of which more than half lies in a region", graders=_BOXES
    ),
    "box_recall": Metric(
        meaning="share of regions in which more than half of a box lies", graders=_BOXES
    ),
    "box_f1": Metric(
        meaning="harmonic mean of precision and recall of boxes", graders=_BOXES
    ),
    "false_box_rate": Metric(
        meaning="share of replies on real images that give a box", graders=_BOXES
    ),
    "threshold_strength": Metric(
        meaning="least strength of a planted forgery at which 75 % of images are called fake",
        graders=_LABELS,
    ),
})  # fmt: skip
