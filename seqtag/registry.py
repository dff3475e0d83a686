"""Registries: find classes by name, in this package and in installed packages."""

from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Generic, NamedTuple, TypeVar

from seqtag.errors import InputError, listed, unknown

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """A registered class, with the options that its name implies.

    Attributes:
        cls: the class.
        options: keyword arguments that the name implies.
    """

    cls: type[T]
    options: dict[str, Any]

    def make(self, **more: Any) -> T:
        """Return an instance; the arguments `more` override those that the name implies."""
        return self.cls(**{**self.options, **more})


class Registry(Generic[T]):
    """The classes ("parts") of one kind by name.

    A decorator registers a part where it is defined: in a module of the registry's package, or in
    any module that the program has imported:

        CELLS = Registry("cell", "seqtag.cells", __package__)

        @CELLS.register("mine")
        @CELLS.register("mine_slow", rate=0.1)
        class Mine: ...

    Installed packages add parts by entry points: the name of an entry point is the name of a part,
    and its value is a class, or a module that registers the class. The names are read from package
    metadata; a module is imported when its part is looked up. Entry points cannot replace names of
    this package.

    Args:
        kind: name of this kind of part in messages: "cell".
        group: the group of the entry points.
        package: the package whose modules register seqtag's own parts.
    """

    def __init__(self, kind: str, group: str, package: str) -> None:
        self.kind = kind
        self.group = group
        self._package = package
        self._entries: dict[str, Entry[T]] = {}

    def register(self, name: str, /, **options: Any) -> Callable[[Any], Any]:
        """Return a decorator that registers a class as `name`, with `options` as arguments.

        Raises:
            InputError: if another class is registered under that name.
        """

        def store(cls: Any) -> Any:
            before = self._entries.get(name)
            # A class that is defined again, as in a notebook, replaces its old version.
            if before is not None and _identity(before.cls) != _identity(cls):
                raise InputError(
                    f"{self.kind} {name!r} is registered twice, by {_identity(before.cls)} and "
                    f"{_identity(cls)}: choose another name"
                )
            self._entries[name] = Entry(cls, options)
            return cls

        return store

    def names(self) -> list[str]:
        """Return all names: this package's first, then those of installed packages."""
        return list(dict.fromkeys([*self._own, *self._entries, *self.installed]))

    def __contains__(self, name: object) -> bool:
        """Return whether there is a part of that name; may import this package's modules."""
        return isinstance(name, str) and (
            name in self._entries or name in self._own or name in self.installed
        )

    def __getitem__(self, name: str) -> Entry[T]:
        """Return the part of that name; import its module if needed.

        Raises:
            InputError: if there is none (the closest name is suggested), or if its package cannot
                be imported.
        """
        if name not in self:
            raise InputError(
                f"{unknown(self.kind, name, self.names())}; a {self.kind} of an installed package "
                f"needs an entry point in {self.group}"
            )
        if name not in self._entries:
            self._load(self.installed[name])
        return self._entries[name]

    def distribution(self, name: str) -> str | None:
        """Return the name of the installed package of a part; None for a part of seqtag."""
        if name not in self.installed:
            return None
        distribution = self.installed[name].dist
        return None if distribution is None else distribution.name

    @cached_property
    def _own(self) -> list[str]:
        """Names of the parts that the modules of the package register."""
        package = import_module(self._package)
        before = set(self._entries)
        for module in iter_modules(package.__path__):
            import_module(f"{self._package}.{module.name}")
        inside = f"{self._package}."
        added = [name for name in self._entries if name not in before]
        known = [n for n in before if self._entries[n].cls.__module__.startswith(inside)]
        return sorted({*added, *known})

    @cached_property
    def installed(self) -> dict[str, EntryPoint]:
        """Entry points of installed packages by name, without names of this package."""
        return {name: p for name, p in installed(self.group).items() if name not in self._own}

    def _load(self, point: EntryPoint) -> None:
        try:
            loaded = point.load()
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{self.kind} {point.name!r} of the package {self.distribution(point.name)} "
                f"cannot be imported ({point.value}): {type(error).__name__}: {error}"
            ) from error
        if point.name in self._entries:
            return
        is_module = isinstance(loaded, ModuleType)
        names = [
            name
            for name, entry in self._entries.items()
            if (entry.cls.__module__ == loaded.__name__ if is_module else entry.cls is loaded)
        ]
        where = f"{self.kind} {point.name!r} of the package {self.distribution(point.name)}"
        if is_module:
            also = f", but {listed(map(repr, names))}" if names else ""
            raise InputError(f"{where}: the module {point.value} does not register that name{also}")
        if names and not any(name in self.installed for name in names):
            raise InputError(
                f"{where}: its class {point.value} is registered as {listed(map(repr, names))}: "
                "give the entry point and the class the same name"
            )
        self.register(point.name)(loaded)


def installed(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group in installed packages, by name."""
    return {point.name: point for point in entry_points(group=group)}


def _identity(cls: Any) -> str:
    """Return the full name of a class: module and qualified name."""
    return f"{getattr(cls, '__module__', '')}.{getattr(cls, '__qualname__', repr(cls))}"
