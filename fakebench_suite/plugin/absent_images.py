"""Before the first case: whether the images that the selected cases need are there."""

import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import pytest

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.errors import AmbiguousImageError, ImageError
from fakebench_suite.plugin.collection import get_plan
from fakebench_suite.plugin.options import is_worker
from fakebench_suite.plugin.reporting import RECORDER
from fakebench_suite.text.display import count_of, to_single_line
from fakebench_suite.types import Case, list_image_cases

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_NAMED = 3
"""Images that the sentence names."""
_CHECKED = pytest.StashKey[bool]()


def find_absent(dataset: Dataset, cases: Iterable[Case]) -> dict[str, str]:
    """What is wrong with images that have no file to open, by name; nothing is opened."""
    if dataset.find_image is None:
        return {}
    absent: dict[str, str] = {}
    for image, case in {case.base_image: case for case in list_image_cases(cases)}.items():
        try:
            path = dataset.find_image(case)
            if not os.access(path, os.R_OK):
                absent[image] = "unreadable"
            elif path.stat().st_size == 0:
                absent[image] = "empty"
        except AmbiguousImageError:
            absent[image] = "ambiguous"
        except (ImageError, OSError):
            absent[image] = "missing"
    return absent


def describe_absent(absent: Mapping[str, str], total: int) -> str:
    """How many of ``total`` images cannot be opened, the first of them by name."""
    names = [f"{to_single_line(image)} ({why})" for image, why in list(absent.items())[:_NAMED]]
    more = len(absent) - len(names)
    listed = ", ".join(names) + (f" and {more:,} more" if more else "")
    return f"{len(absent):,} of {count_of(total, 'image')} cannot be opened: {listed}"


def check_images(config: pytest.Config, cases: Collection[Case]) -> None:
    """Warn where images of the cases are absent; raise UsageError where all are."""
    option, plan = config.option, get_plan(config)
    if option.collectonly or option.setuponly or option.setupplan or not cases:
        return
    if plan.request.answers is not None or config.stash.get(_CHECKED, False):
        return
    config.stash[_CHECKED] = True
    absent = find_absent(plan.dataset, cases)
    if not absent:
        return
    images = {case.base_image for case in list_image_cases(cases)}
    sentence = describe_absent(absent, len(images))
    if len(absent) == len(images):
        raise pytest.UsageError(
            f"{sentence}. Put the images anywhere below {plan.request.data}, under the names that "
            "the rows give them."
        )
    lost = sum(any(c.base_image in absent for c in list_image_cases([case])) for case in cases)
    ends = f"{count_of(lost, 'case')} {'ends' if lost == 1 else 'end'} in an image_error"
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.line(f"warning: {sentence}. {ends}.", yellow=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Check where cases run in this process."""
    if not is_worker(session.config):
        check_selected_images(session.config)


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_xdist_node_collection_finished(node: "WorkerController") -> None:
    """Check where cases run in workers, when the first has collected them."""
    check_selected_images(node.config)


def check_selected_images(config: pytest.Config) -> None:
    """Check the images of the selected cases."""
    cases = {case.id: case for case in config.stash[RECORDER].cases.values()}
    if cases:
        check_images(config, cases.values())
