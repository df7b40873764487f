"""Images that a run could not show, mismatched file suffixes, and files without a row."""

import os
from collections.abc import Iterator, Sequence

from PIL import Image

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.image_scan import ImageScan
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity
from fakebench_suite.errors import AmbiguousImageError, ImageError, MissingImageError


def find_file_faults(scans: Sequence[ImageScan]) -> Iterator[Issue]:
    """Yield the issues of missing, ambiguous and unreadable images, and of wrong suffixes."""
    instances: dict[str, list[IssueInstance]] = {name: [] for name in _MEANINGS}
    for scan in scans:
        if scan.error is not None:
            instance = IssueInstance(
                images=(scan.image,), detail=escape_surrogates(str(scan.error))
            )
            instances[_classify_error(scan.error)].append(instance)
    for name, items in instances.items():
        if items:
            yield Issue(
                name=name, severity=Severity.ERROR, meaning=_MEANINGS[name], items=tuple(items)
            )
    mismatches = tuple(_find_mismatched_suffixes(scans))
    if mismatches:
        yield Issue(
            name="files whose suffix does not match their format",
            severity=Severity.WARNING,
            meaning="The suite goes by content and reads them; other programs may fail.",
            items=mismatches,
        )


def unreferenced_files(data: Dataset, scans: Sequence[ImageScan]) -> Iterator[Issue]:
    """Yield the issue of image files in the data directory that no row refers to."""
    if data.list_images is None:
        return
    # Real paths, because a folder may have two names.
    referenced = {os.path.realpath(scan.path) for scan in scans if scan.path}
    referenced |= {os.path.realpath(path) for scan in scans for path in _list_candidates(scan)}
    unreferenced = [path for path in data.list_images() if os.path.realpath(path) not in referenced]
    if unreferenced:
        items = (IssueInstance(images=(escape_surrogates(str(path)),)) for path in unreferenced)
        yield Issue(
            name="image files that no row asks about",
            severity=Severity.WARNING,
            meaning="No case shows them. Check for missing rows and misspelt names.",
            items=tuple(items),
        )


def escape_surrogates(text: str) -> str:
    r"""Return the text with escapes such as \udc80 for undecodable bytes of file names."""
    return text.encode("utf-8", "backslashreplace").decode()


_MISSING, _AMBIGUOUS, _UNREADABLE = "missing images", "ambiguous images", "unreadable images"
_MEANINGS = {
    _MISSING: "Each of their cases would end in an image_error.",
    _AMBIGUOUS: "Several files have the name asked for: each case would end in an image_error.",
    _UNREADABLE: "They cannot be opened: each of their cases would end in an image_error.",
}


def _classify_error(error: ImageError) -> str:
    if isinstance(error, MissingImageError):
        return _MISSING
    return _AMBIGUOUS if isinstance(error, AmbiguousImageError) else _UNREADABLE


def _list_candidates(scan: ImageScan) -> Sequence[os.PathLike[str]]:
    """Return the files that match an ambiguous name; rows refer to all of them."""
    return scan.error.rivals if isinstance(scan.error, AmbiguousImageError) else ()


def _find_mismatched_suffixes(scans: Sequence[ImageScan]) -> Iterator[IssueInstance]:
    """Yield the images whose suffix does not match their format."""
    formats = Image.registered_extensions()
    for scan in scans:
        if scan.path is None or scan.container is None:
            continue
        expected = formats.get(scan.path.suffix.lower())
        if expected is not None and expected != scan.container.format:
            yield IssueInstance(images=(scan.image,), detail=f"is {scan.container.format}")
