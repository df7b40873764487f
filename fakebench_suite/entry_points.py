"""What is registered by name: built in, or by an installed package through an entry point."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, EntryPoints, entry_points
from typing import Any, Generic, TypeVar

from fakebench_suite.errors import SuiteError, UserError, describe_choices

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry(Generic[Entry]):
    """Entries of one kind by name; a package adds its own through the entry-point ``group``."""

    noun: str
    """What an entry is called in messages."""
    group: str
    kind: type[Entry]
    built_in: Mapping[str, Entry]

    def list_names(self) -> list[str]:
        """All names, those that are built in first; nothing is imported."""
        added = {point.name for point in self._list_points()}
        return [*self.built_in, *sorted(added - set(self.built_in))]

    def get(self, name: str) -> Entry:
        """The entry of this name; raises UserError where there is none, or it cannot be loaded."""
        points = list(self._list_points().select(name=name))
        if len(points) > 1 or (points and name in self.built_in):
            others = ", ".join(sorted(_describe(point) for point in points))
            built_in = " and the suite itself" if name in self.built_in else ""
            raise UserError(
                f"The {self.noun} {name!r} is registered more than once, by {others}{built_in}. "
                "Uninstall all but one of these packages."
            )
        if name in self.built_in:
            return self.built_in[name]
        if not points:
            raise UserError(
                f"There is no {self.noun} {name!r}; {describe_choices(name, self.list_names())}. A "
                f"package can add one through the entry-point group {self.group}."
            )
        return self._load(points[0])

    def find_distribution(self, name: str) -> Distribution | None:
        """The installed package that brings an entry; None for what is built in."""
        return next((point.dist for point in self._list_points().select(name=name)), None)

    def find_package(self, name: str) -> str | None:
        """Name and version of the package that brings an entry; None for what is built in."""
        for point in self._list_points().select(name=name):
            return (
                f"{_describe(point)} {point.dist.version if point.dist is not None else ''}".strip()
            )
        return None

    def _list_points(self) -> EntryPoints:
        points: EntryPoints = _read_entry_points(tuple(sys.path)).select(group=self.group)
        return points

    def _load(self, point: EntryPoint) -> Entry:
        try:
            entry = point.load()
        except Exception as error:  # Another package may raise anything.
            raise UserError(
                f"The {self.noun} {point.name!r} of {_describe(point)} cannot be loaded: "
                f"{type(error).__name__}: {error}."
            ) from error
        if not isinstance(entry, self.kind):
            raise UserError(
                f"The {self.noun} {point.name!r} of {_describe(point)} is a "
                f"{type(entry).__name__}; its entry point must name a {self.kind.__name__}."
            )
        return entry


@lru_cache(maxsize=1)
def _read_entry_points(_path: tuple[str, ...]) -> Any:  # Its class is another in Python 3.11.
    """All entry points of what is installed on this path; reading them takes longer than a case."""
    return entry_points()


def _describe(point: EntryPoint) -> str:
    """The package an entry point comes from, or where that is not known, what it names."""
    return point.dist.name if point.dist is not None else point.value


def import_object(place: str) -> object:
    """The object at ``module:name``, imported now."""
    module, _, name = place.partition(":")
    value: object = getattr(import_module(module), name)
    return value


@contextmanager
def name_package(subject: str, kind: type[UserError] = UserError) -> Generator[None, None, None]:
    """Raise what another package raises by mistake as a UserError that says whose it is."""
    try:
        yield
    except SuiteError:
        raise
    except Exception as error:
        raise kind(f"{subject} failed: {type(error).__name__}: {error}.") from error
