"""Images a run could not show, files whose name belies them, and files that no row asks about."""

import os
from collections.abc import Iterator, Sequence

from PIL import Image

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.image_scan import ImageScan
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity
from fakebench_suite.errors import AmbiguousImageError, ImageError, MissingImageError


def find_file_faults(looks: Sequence[ImageScan]) -> Iterator[Issue]:
    """Images that are missing, ambiguous or unreadable, and suffixes that belie the format."""
    faults: dict[str, list[IssueInstance]] = {name: [] for name in _MEANINGS}
    for look in looks:
        if look.error is not None:
            item = IssueInstance(images=(look.image,), detail=escape_surrogates(str(look.error)))
            faults[_classify_error(look.error)].append(item)
    for name, items in faults.items():
        if items:
            yield Issue(
                name=name, severity=Severity.ERROR, meaning=_MEANINGS[name], items=tuple(items)
            )
    belied = tuple(_find_mismatched_suffixes(looks))
    if belied:
        yield Issue(
            name="files of another format than their suffix says",
            severity=Severity.WARNING,
            meaning="They are read by content, so nothing goes wrong here; other programs may err.",
            items=belied,
        )


def unreferenced_files(data: Dataset, looks: Sequence[ImageScan]) -> Iterator[Issue]:
    """Image files below the data that no row asks about."""
    if data.list_images is None:
        return
    # Real paths: a folder may be reached by two names.
    asked = {os.path.realpath(look.path) for look in looks if look.path}
    asked |= {os.path.realpath(path) for look in looks for path in _list_candidates(look)}
    unasked = [path for path in data.list_images() if os.path.realpath(path) not in asked]
    if unasked:
        items = (IssueInstance(images=(escape_surrogates(str(path)),)) for path in unasked)
        yield Issue(
            name="image files that no row asks about",
            severity=Severity.WARNING,
            meaning="They are never shown. Look whether rows were lost, or names misspelt.",
            items=tuple(items),
        )


def escape_surrogates(text: str) -> str:
    r"""The text with bytes that are not UTF-8, as names on a disk may hold, written as \udc80."""
    return text.encode("utf-8", "backslashreplace").decode()


_MISSING, _AMBIGUOUS, _UNREADABLE = "missing images", "ambiguous images", "unreadable images"
_MEANINGS = {
    _MISSING: "Each of their cases would end in an image_error.",
    _AMBIGUOUS: "Several files have the name asked for: each case would end in an image_error.",
    _UNREADABLE: "The suite refuses them: each of their cases would end in an image_error.",
}


def _classify_error(error: ImageError) -> str:
    if isinstance(error, MissingImageError):
        return _MISSING
    return _AMBIGUOUS if isinstance(error, AmbiguousImageError) else _UNREADABLE


def _list_candidates(look: ImageScan) -> Sequence[os.PathLike[str]]:
    """The files between which an ambiguous name could not choose; a row does ask about those."""
    return look.error.rivals if isinstance(look.error, AmbiguousImageError) else ()


def _find_mismatched_suffixes(looks: Sequence[ImageScan]) -> Iterator[IssueInstance]:
    formats = Image.registered_extensions()
    for look in looks:
        if look.path is None or look.container is None:
            continue
        said = formats.get(look.path.suffix.lower())
        if said is not None and said != look.container.format:
            yield IssueInstance(images=(look.image,), detail=f"is {look.container.format}")
