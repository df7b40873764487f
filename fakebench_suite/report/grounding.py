"""Tables of what explanations claim by criterion, and of the least strengths that are detected."""

from collections.abc import Iterator, Sequence

from fakebench_suite.metrics.names import MIN_PAIRS, THRESHOLD_STRENGTH
from fakebench_suite.report.paper_rows import TextTable
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import Score

_COLUMNS = (
    ("informedness", "claim_informedness"),
    ("over all images", "claim_informedness_all_images"),
    ("precision", "claim_precision"),
    ("recall", "claim_recall"),
    ("F1", "claim_f1"),
    ("place right", "claim_place_accuracy"),
    ("place by chance", "claim_place_chance"),
    ("gone with the forgery", "claim_deletion_rate"),
    ("gone by chance", "claim_deletion_chance"),
)
CLAIMS_NOTE = (
    "Claims of a criterion are read from the replies and compared with what is known of the image. "
    "Informedness is recall minus the rate of false alarms, over forged images: 0 is chance. Over "
    "all images, knowing which of them are forged is enough to score high."
)
STRENGTH_NOTE = (
    "A curve is fitted to the share of images called fake at each strength of the planted forgery; "
    'strength 1 is the forgery of the probes. "Not reached" means that no strength up to 1 gets '
    "there, or that three quarters of the untouched images are called fake too. A whole run has 12 "
    f"pairs of images for each criterion; criteria of fewer than {MIN_PAIRS} have no row."
)


def list_grounding_tables(scores: Sequence[Score]) -> Iterator[tuple[TextTable, str]]:
    """The tables of claims and of strengths, each with what limits its meaning."""
    yield from ((table, CLAIMS_NOTE) for table in list_claim_tables(scores))
    yield from ((table, STRENGTH_NOTE) for table in list_strength_tables(scores))


def list_claim_tables(scores: Sequence[Score]) -> Iterator[TextTable]:
    """One table for each task whose texts are about images of which something is known."""
    for task in dict.fromkeys(score.task for score in scores):
        found = {
            (score.metric, score.subgroup): score for score in scores if score.task == task
        }  # fmt: skip
        names = ["all", *(f"criterion={name}" for name in CRITERIA)]
        rows = [
            (name.removeprefix("criterion="), *(_format(found.get((m, name))) for _, m in _COLUMNS))
            for name in names
            if any((metric, name) in found for _, metric in _COLUMNS)
        ]
        if rows:
            header = ("criterion", *(title for title, _ in _COLUMNS))
            yield TextTable(title=f"Claims of {task} by criterion", header=header, rows=rows)


def list_strength_tables(scores: Sequence[Score]) -> Iterator[TextTable]:
    """One table if the run asked about graded probes; else none."""
    rows = [
        (
            score.subgroup.removeprefix("criterion="),
            "not reached" if score.value is None else f"{score.value:z.3f}",
            _format_interval(score),
            f"{score.n:,}",
        )
        for score in scores
        if score.metric == THRESHOLD_STRENGTH
    ]
    if rows:
        header = ("criterion", "strength", "95 % interval", "images")
        title = "Strength at which 75 % of the forgeries are called fake"
        yield TextTable(title=title, header=header, rows=rows)


def _format(score: Score | None) -> str:
    if score is None or score.value is None:
        return ""
    if score.low is None or score.high is None:
        return f"{score.value:z.2f}"
    return f"{score.value:z.2f} [{score.low:z.2f}, {score.high:z.2f}]"


def _format_interval(score: Score) -> str:
    if score.low is None:
        return ""
    return f"{score.low:z.3f} to " + ("above 1" if score.high is None else f"{score.high:z.3f}")
