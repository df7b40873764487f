"""Both images of each probe pair, asked the same: what they show, and where.

The probes ask for texts about forged images only. Here the untouched twin of each is asked the same
questions, so that claims of what is not there, and claims that stay when the forgery is gone, are
seen: to describe the image and conclude, how the planted criterion is, and with
``--tasks=pointing`` where the image shows that it is fake.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fakebench_suite.datasets.dataset import Dataset, digest_contents
from fakebench_suite.datasets.pointing import add_pointing
from fakebench_suite.datasets.probes.dataset import build_cases, load_probes, select_pair
from fakebench_suite.datasets.probes.draws import PAIRS
from fakebench_suite.datasets.probes.reference_texts import describe_intact
from fakebench_suite.errors import DataError
from fakebench_suite.types import Authenticity, Case, Clue, Task

KIND = "probes-grounded"


def load(path: Path | None) -> Dataset:
    """The data set, for the registry; raises DataError where a path is given."""
    if path is not None:
        raise DataError(f"--data={KIND} takes no path: the probes are part of the suite.")
    return load_grounded()


def load_grounded(count: int = PAIRS) -> Dataset:
    """Load ``count`` pairs of probes with the same questions about both images."""
    probes = load_probes(count)
    cases = [case for index in range(count) for case in _build_cases(index)]
    return replace(
        probes,
        name=KIND,
        kind=KIND,
        digest=digest_contents([probes.digest.encode(), KIND.encode()]),
        cases=add_pointing(cases),
    )


def _build_cases(index: int) -> Iterator[Case]:
    """Yield reasoning and analysis of the planted criterion, of the forged image and its twin."""
    cases = list(build_cases(select_pair(index)))
    untouched = next(case for case in cases if case.label is Authenticity.REAL)
    for case in cases:
        is_planted = case.criterion in {region.criterion for region in case.regions}
        if case.task == Task.REASONING or (case.task == Task.ANALYSIS and is_planted):
            yield case
            yield _ask_twin(case, untouched)


def _ask_twin(case: Case, untouched: Case) -> Case:
    """The same question about the untouched image, where nothing is to be found."""
    intact = None
    if case.task == Task.ANALYSIS and case.criterion is not None:
        intact = (Clue(text=describe_intact(case.criterion)),)
    return replace(
        untouched,
        id=f"{untouched.image}:{case.id.partition(':')[2]}",
        task=case.task,
        question=case.question,
        question_type=case.question_type,
        criterion=case.criterion if case.task == Task.ANALYSIS else None,
        expected=intact,
    )
