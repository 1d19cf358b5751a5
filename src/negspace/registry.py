"""One registry for whatever can be added: learners, embedders, formats, metrics, probes, verifiers, claims.

A built-in registers itself with a decorator in the module that defines it, and every module of the registry's
package is looked through; another package names its own in an entry point of the registry's group. The
command line's help, its completion and "did you mean" all read the registry, so an addition is one file.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import getdoc
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from negspace.errors import PlanError, did_you_mean

T = TypeVar("T")
Registered = TypeVar("Registered")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One thing that is known by a name.

    Attributes:
        name: As the command line knows it.
        target: What was registered: a class, a function or an object; the registry says what it must be.
        argument: What follows the colon of the name, as usage lines write it (``"PATH"``); None if nothing
            may.
        required: Whether the argument must be there.
        summary: One line for help and lists.
        origin: Distribution that it comes from.
    """

    name: str
    target: T
    argument: str | None = None
    required: bool = True
    summary: str = ""
    origin: str = "negspace"

    @property
    def form(self) -> str:
        """The name with its argument: ``st:PATH``, ``ordering[:DIRECTION]``."""
        if self.argument is None:
            return self.name
        return f"{self.name}:{self.argument}" if self.required else f"{self.name}[:{self.argument}]"


class Registry(Generic[T]):
    """Things of one kind, by name.

    Args:
        kind: What one of them is called in messages: ``"learner"``.
        group: Entry-point group in which other packages name theirs.
        package: Package whose modules are imported to find the built-in ones. They must be light: heavy
            imports belong inside the functions that need them.
    """

    def __init__(self, kind: str, *, group: str, package: str) -> None:
        self.kind = kind
        self.group = group
        self._package = package
        self._own: dict[str, Entry[T]] = {}
        self._loaded: dict[str, Entry[T] | PlanError] = {}

    def refresh(self) -> None:
        """Look for the entry points of other packages anew: one was installed meanwhile."""
        self._loaded.clear()
        self.__dict__.pop("_points", None)

    def register(
        self, name: str, *, argument: str | None = None, required: bool = True, summary: str | None = None
    ) -> Callable[[Registered], Registered]:
        """Register what is decorated, which stays as it is.

        Args:
            name: As the command line will know it.
            argument: What follows the colon of the name, as a usage line writes it; None if nothing may.
            required: Whether the argument must be there.
            summary: One line for help; the first line of the docstring if None.
        """

        def keep(target: Registered) -> Registered:
            self.add(name, target, argument=argument, required=required, summary=summary)  # type: ignore[arg-type]
            return target

        return keep

    def add(
        self,
        name: str,
        target: T,
        *,
        argument: str | None = None,
        required: bool = True,
        summary: str | None = None,
    ) -> None:
        """Register an object; see `register`.

        Raises:
            PlanError: Another one has the name.
        """
        known = self._own.get(name)
        if known is not None and _place_of(known.target) != _place_of(target):
            raise PlanError(f"there is a {self.kind} '{name}' already", got=_place_of(target))
        said = _first_line(target) if summary is None else summary
        self._own[name] = Entry(name, target, argument, required, said)

    @cached_property
    def _points(self) -> Mapping[str, EntryPoint]:
        """Entry points of other packages by name, not loaded yet; the built-in ones are registered now.

        Raises:
            PlanError: Two things have one name.
        """
        package = import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{self._package}.{module.name}")
        points: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.group):
            if point.name in points or point.name in self._own:
                other = _origin(points[point.name]) if point.name in points else "negspace"
                raise PlanError(
                    f"two packages register a {self.kind} '{point.name}'",
                    got=f"{other} and {_origin(point)}",
                    hint=f"remove one of the two packages, or rename its entry point in {self.group}",
                )
            points[point.name] = point
        return points

    @property
    def entries(self) -> Mapping[str, Entry[T]]:
        """All that can be used, by name in alphabetical order.

        One of another package that cannot be loaded is left out: it must not stop what does not need it.
        """
        found = {}
        for name in self:
            try:
                found[name] = self._entry(name)
            except PlanError:
                continue
        return MappingProxyType(found)

    def _entry(self, name: str) -> Entry[T]:
        """The entry of a known name, loaded if another package brings it.

        Raises:
            PlanError: It cannot be loaded.
        """
        if name in self._own:
            return self._own[name]
        if name not in self._loaded:
            try:
                self._loaded[name] = _load(self._points[name], self.kind)
            except PlanError as error:  # kept: suffixes of files are looked up often
                self._loaded[name] = error
        found = self._loaded[name]
        if isinstance(found, PlanError):
            raise found
        return found

    def __iter__(self) -> Iterator[str]:
        points = self._points
        return iter(sorted({*self._own, *points}))

    def __contains__(self, name: object) -> bool:
        return name in self._points or name in self._own

    def __getitem__(self, name: str) -> T:
        """What is registered under a name.

        Raises:
            PlanError: Nothing is, or it cannot be loaded.
        """
        if name not in self:
            raise PlanError(f"there is no {self.kind} '{name}'", hint=self.suggest(name))
        return self._entry(name).target

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms of all names, for usage lines: ``("hf:PATH", "tfidf")``."""
        return tuple(entry.form for entry in self.entries.values())

    def find(self, spec: str) -> tuple[Entry[T], str]:
        """Find what a user asks for by ``name`` or ``name:argument``.

        Returns:
            The entry, and the argument (empty if none is given).

        Raises:
            PlanError: There is none of the name, it cannot be loaded, or its argument is missing or too much.
        """
        name, colon, argument = spec.partition(":")
        if name not in self:
            if spec and Path(spec).expanduser().is_dir():
                pathlike = [each.form for each in self.entries.values() if each.argument == "PATH"]
                hint = f"write {' or '.join(form.replace('PATH', spec) for form in pathlike)}"
                raise PlanError(f"'{spec}' is a folder, and not said to be of what kind", hint=hint)
            raise PlanError(f"there is no {self.kind} '{spec}'", hint=self.suggest(name))
        entry = self._entry(name)
        if entry.argument is None and colon:
            raise PlanError(
                f"the {self.kind} '{name}' takes nothing after its name", got=spec, hint=f"write {name}"
            )
        if entry.argument is not None and entry.required and not argument:
            raise PlanError(
                f"the {self.kind} '{name}' needs a {entry.argument}", got=spec, hint=f"write {entry.form}"
            )
        return entry, argument

    def suggest(self, name: str) -> str:
        """A hint for a name that is not known: the nearest ones, each with its argument."""
        said = did_you_mean(name, self)
        for entry in self.entries.values():
            said = said.replace(f"'{entry.name}'", f"'{entry.form}'")
        return said


def _load(point: EntryPoint, kind: str) -> Entry[Any]:
    origin = _origin(point)
    try:
        target = point.load()
    except Exception as error:  # whatever the other package does on import
        raise PlanError(
            f"the {kind} '{point.name}' of the package {origin} cannot be loaded",
            got=f"{type(error).__name__}: {error}",
            hint=f"update {origin}, or remove it",
        ) from error
    if isinstance(target, Entry):
        return Entry(point.name, target.target, target.argument, target.required, target.summary, origin)
    argument = getattr(target, "argument", None)
    return Entry(point.name, target, argument, True, _first_line(target), origin)


def _origin(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _first_line(target: object) -> str:
    return (getdoc(target) or "").partition("\n")[0]


def _place_of(target: object) -> str:
    """Module and name: what a second import of the same module registers again is the same thing."""
    kind = target if hasattr(target, "__qualname__") else type(target)
    return f"{kind.__module__}.{getattr(kind, '__qualname__', '')}"
