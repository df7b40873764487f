"""Every direct dependency is under a licence that an MIT project can depend on."""

import re
import tomllib
from email.message import Message
from importlib.metadata import metadata
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FREE = re.compile(
    r"MIT(-CMU)?( Licen[sc]e)?|(0|\d-[Cc]lause )?BSD(-\d-Clause)?( Licen[sc]e)?"
    r"|Zlib|CC0-1\.0|BSL-1\.0|ISC"
    r"|Apache([- ]| Licen[sc]e, Version )2\.0( Licen[sc]e)?( WITH LLVM-exception)?"
    r"|Apache Software Licen[sc]e|MPL-2\.0|PSF-2\.0|Python Software Foundation Licen[sc]e"
)
"""Licences that ask for a notice at most, or for the source of their own files (MPL)."""
REVIEWED = {
    "num2words": "LGPL: imported as it is, neither changed nor copied, and replaceable by its user",
}
INSTALLED_ELSEWHERE = {"vllm": "Apache-2.0"}
"""Licences of packages of extras that the development environment leaves out."""


def list_dependencies() -> list[str]:
    """The names of core, extra and development dependencies, each once."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = (
        project["project"]["dependencies"],
        *project["project"].get("optional-dependencies", {}).values(),
        *project["dependency-groups"].values(),
    )
    return sorted({Requirement(text).name for text in chain.from_iterable(groups)})


def list_licences(package_metadata: Message) -> list[str]:
    """The licences that a package's metadata name: of the expression, the classifiers or the field.

    An alternative or a list is taken apart; each part has to be a free licence.
    """
    expression = package_metadata["License-Expression"]
    if expression:
        return re.split(r" AND | OR ", expression.replace("(", "").replace(")", ""))
    classifiers = package_metadata.get_all("Classifier") or []
    classified = [text.split(" :: ")[-1] for text in classifiers if text.startswith("License ::")]
    return classified or [
        line for line in (package_metadata["License"] or "").splitlines()[:1] if line
    ]


def is_free(package_metadata: Message) -> bool:
    """Whether the licences are known, and each of them is free."""
    licences = list_licences(package_metadata)
    return bool(licences) and all(FREE.fullmatch(licence) for licence in licences)


@pytest.mark.parametrize("name", list_dependencies())
def test_a_direct_dependency_is_free_or_was_reviewed(name: str) -> None:
    """A package under the GPL, the AGPL or an unknown licence needs somebody's reasons."""
    if name in INSTALLED_ELSEWHERE:
        assert FREE.fullmatch(INSTALLED_ELSEWHERE[name])
        return
    package_metadata = metadata(name)
    assert is_free(package_metadata) or name in REVIEWED, list_licences(package_metadata)  # type: ignore[arg-type]  # a Message, in its stub a protocol


def test_no_review_outlives_its_package() -> None:
    """A name that is no dependency, or free by now, is taken off the list."""
    assert {*REVIEWED, *INSTALLED_ELSEWHERE} <= set(list_dependencies())
    assert not [name for name in REVIEWED if is_free(metadata(name))]  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("field", "text", "free"),
    [
        ("License-Expression", "GPL-3.0-or-later", False),
        ("License-Expression", "MIT AND AGPL-3.0-only", False),
        ("License-Expression", "(MIT OR Apache-2.0) AND BSD-3-Clause", True),
        ("Classifier", "License :: OSI Approved :: GNU General Public License v3 (GPLv3)", False),
        ("Classifier", "License :: OSI Approved :: BSD License", True),
        ("License", "GPLv3", False),
        ("License", "MIT", True),
        ("License", "as you like", False),
        ("Summary", "says nothing of a licence", False),
    ],
)
def test_what_is_free(field: str, text: str, free: bool) -> None:
    """Wherever a licence is named, copyleft and the unknown are not taken for free."""
    message = Message()
    message[field] = text
    assert is_free(message) is free
