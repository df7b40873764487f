"""All metrics: the meaning, range, graders and needs of each.

Gates over a misspelt metric, or with a bound outside its range, are refused before the first case.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import MappingProxyType

from fakebench_suite.extras import Extra, format_install
from fakebench_suite.tasks.registry import Grader, get_task
from fakebench_suite.types import Task

THRESHOLD_STRENGTH = "threshold_strength"
"""The metric of :mod:`fakebench_suite.metrics.psychometric`."""
MIN_PAIRS = 10
"""Pairs below which it has no value; from so many on, the simulation in
``tests/metrics/test_threshold_interval.py`` has intervals that cover as often as they say.

Both stand here, as that module imports scipy, and reports and commands need no more than these."""


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
    by_criterion: bool = False
    """True if each criterion has it too, as a subgroup of what is known and not of cases."""
    open_ended: bool = False
    """True if a score without a value, or an interval without an end, lies above any bound."""
    need: Need | None = None
    needs_scores: bool = True
    """False if it is about what replies say and how they end, right or wrong."""


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


# Each makes a metric of tasks that are graded alike, and that needs the same.
_label_metric = partial(Metric, graders=(Grader.LABEL,))
_likelihood_metric = partial(_label_metric, need=Need.LIKELIHOOD)
_robustness_metric = partial(_label_metric, task=Task.ROBUSTNESS)
_text_metric = partial(Metric, graders=(Grader.TEXT, Grader.LABEL_AND_TEXT))
_rating_metric = partial(_text_metric, need=Need.RATINGS, high=2.0)
_encoder_metric = partial(_text_metric, need=Need.ENCODER)
_claim_metric = partial(_text_metric, by_criterion=True)
_box_metric = partial(Metric, graders=(Grader.BOX,))
_reply_metric = partial(Metric, needs_scores=False)

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
        meaning="share of parsed replies that choose the first option", graders=(Grader.CHOICE,),
    ),
    "balanced_accuracy": _label_metric(
        meaning="mean of the accuracies on fake and on real images; 0.5 is chance",
    ),
    "fake_real_gap": _label_metric(
        meaning="accuracy on fake images minus accuracy on real images", low=-1.0,
    ),
    "fake_rate": _label_metric(
        meaning="share of parsed replies that say fake", needs_scores=False,
    ),
    "yes_rate": _label_metric(
        meaning="share of yes among the replies to yes-or-no questions", needs_scores=False,
    ),
    "matthews_corrcoef": _label_metric(
        meaning="correlation of verdict and truth; 0 is chance", low=-1.0,
    ),
    "polarity_consistency": _label_metric(
        meaning="share of images with one verdict on 'is it fake?' and 'is it real?'",
        needs_scores=False,
    ),
    "pairwise_accuracy": _label_metric(
        meaning="share of probe pairs in which the forged one ranks as faker",
    ),
    "roc_auc": _likelihood_metric(
        meaning="chance that P(fake) of a fake is above that of a real image; 0.5 is chance",
    ),
    "average_precision": _likelihood_metric(meaning="precision of P(fake) averaged over recall"),
    "equal_error_rate": _likelihood_metric(
        meaning="error rate at the threshold on P(fake) where both classes err alike; 0 is best",
    ),
    "best_threshold_accuracy": _likelihood_metric(
        meaning="accuracy at the threshold on P(fake) that suits these cases best: an upper bound",
    ),
    "expected_calibration_error": _likelihood_metric(
        meaning="mean gap between P(fake) and the share of fakes, over ten bins; 0 is best",
    ),
    "flip_rate": _robustness_metric(
        meaning="share of verdicts that differ from the one on the unperturbed case", divides=True,
    ),
    "flip_rate_above_identity": _robustness_metric(
        meaning="flip rate minus that of the same case asked again", low=-1.0, divides=True,
    ),
    "verdict_loss_rate": _robustness_metric(
        meaning="share of verdicts that are none any more once the case is perturbed", divides=True,
        needs_scores=False,
    ),
    "accuracy_change": _robustness_metric(
        meaning="accuracy minus that on the same cases unperturbed", low=-1.0, divides=True,
    ),
    "calibration_change": _robustness_metric(
        meaning="expected calibration error minus that on the same cases unperturbed",
        low=-1.0, divides=True, need=Need.LIKELIHOOD,
    ),
    "search_flip_rate": _robustness_metric(
        meaning="share of verdicts for which the search found a perturbation that changes them",
    ),
    "robust_accuracy": _robustness_metric(
        meaning="share of searched cases that are right and for which no flip was found",
    ),
    "parsed_rate": _reply_metric(meaning="share of replies that assert something"),
    "unparsed_rate": _reply_metric(meaning="share of replies in which no verdict was found"),
    "refused_rate": _reply_metric(meaning="share of replies that refuse to answer"),
    "truncated_rate": _reply_metric(meaning="share of replies cut off before they assert anything"),
    "unscored_rate": _reply_metric(meaning="share of cases that could not be scored"),
    "cut_off_rate": _reply_metric(meaning="share of replies that reached the token limit"),
    "model_error_rate": _reply_metric(meaning="share of cases in which the model failed"),
    "judge_error_rate": _reply_metric(meaning="share of cases in which the judge failed"),
    "image_error_rate": _reply_metric(meaning="share of cases whose image could not be opened"),
    "format_followed": _reply_metric(meaning="share of replies in the format that was asked for"),
    "exact_score": _text_metric(
        meaning="score of texts on probes, whose forgery is known, 0 to 2", high=2.0,
    ),
    "similarity_score": _text_metric(
        meaning="score of texts by similarity alone, 0 to 2; not a judge's rating",
        high=2.0, need=Need.SIMILARITY,
    ),
    "judged_score": _rating_metric(meaning="mean of the judge's three ratings, 0 to 2"),
    "completeness": _rating_metric(meaning="the judge's rating for covering the reference, 0 to 2"),
    "preciseness": _rating_metric(
        meaning="the judge's rating for not contradicting the reference, 0 to 2",
    ),
    "relevance": _rating_metric(meaning="the judge's rating for answering the question, 0 to 2"),
    "judge_round_sd": _rating_metric(
        meaning="standard deviation of the judge's rounds on one text",
    ),
    "judge_failed_rounds": _rating_metric(
        meaning="rounds per text without a rating by the judge", high=math.inf,
    ),
    "bleu_1": _text_metric(meaning="words shared with the reference (BLEU-1)"),
    "bleu_2": _text_metric(meaning="word pairs shared with the reference (BLEU-2)"),
    "rouge_l": _text_metric(meaning="longest common word sequence (ROUGE-L)"),
    "similarity": _encoder_metric(
        meaning="cosine similarity of reply and reference in a sentence encoder", low=-1.0,
    ),
    "clue_recall": _encoder_metric(meaning="share of the reference's clues that are in the reply"),
    "clue_precision": _encoder_metric(meaning="share of the reply's sentences that match a clue"),
    "claim_informedness": _claim_metric(
        meaning="recall minus false alarm rate of claims about forged images, mean over criteria; "
        "0 is chance, also for one who knows the label",
        low=-1.0,
    ),
    "claim_informedness_all_images": _claim_metric(
        meaning="the same over forged and real images: knowing the label alone scores high",
        low=-1.0,
    ),
    "claim_precision": _claim_metric(
        meaning="share of claimed criteria that are violated, of those known",
    ),
    "claim_recall": _claim_metric(meaning="share of violated criteria that the reply claims"),
    "claim_f1": _claim_metric(meaning="harmonic mean of precision and recall of claims"),
    "hallucinated_claim_rate": _text_metric(
        meaning="share of replies on real images that claim an anomaly; of analysis, one of the "
        "criterion that was asked",
    ),
    "claim_place_accuracy": _claim_metric(
        meaning="share of right claims with a place whose place is right",
    ),
    "claim_place_chance": _claim_metric(
        meaning="share of the picture that these places cover: the accuracy of chance",
    ),
    "claim_deletion_rate": _claim_metric(
        meaning="share of right claims that are gone when the untouched twin is shown",
    ),
    "claim_deletion_chance": _claim_metric(
        meaning="share of these claims that replies about other images lack: the rate of chance",
    ),
    "unexplained_rate": _text_metric(
        meaning="share of replies that explain nothing: refused, empty, or cut off; they are in no "
        "other score of claims",
    ),
    "unread_claims_rate": _text_metric(
        meaning="share of replies whose claims are not read: not in English",
    ),
    "mean_iou": _box_metric(
        meaning="overlap of each region with the box that fits it best (IoU), mean over regions",
    ),
    "pointing_game": _box_metric(
        meaning="share of images with regions in which the first box has its centre in one",
    ),
    "box_precision": _box_metric(meaning="share of boxes of which more than half lies in a region"),
    "box_recall": _box_metric(meaning="share of regions in which more than half of a box lies"),
    "box_f1": _box_metric(meaning="harmonic mean of precision and recall of boxes"),
    "false_box_rate": _box_metric(meaning="share of replies on real images that give a box"),
    THRESHOLD_STRENGTH: _label_metric(
        by_criterion=True, open_ended=True,
        meaning="least strength of a planted forgery at which 75 % of images are called fake",
    ),
})  # fmt: skip
