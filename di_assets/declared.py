"""What is declared in a folder, one thing a file: found there, so that no list has to name it a second time."""

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """What can be declared: it has the name that configuration knows it by."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


N = TypeVar("N", bound=Named)


def declared_in(packages: Iterable[ModuleType], constant: str, kind: type[N]) -> dict[str, N]:
    """What the files of these packages declare, by its own name, sorted.

    Args:
        packages: each a folder in which every file declares one thing.
        constant: the variable that holds it, in every file.
        kind: what it is.

    Raises:
        TypeError: a file declares nothing of this kind.
        ValueError: two have one name.
    """
    found: dict[str, N] = {}
    for package in packages:
        for file in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{file.name}")
            one = getattr(module, constant, None)
            if not isinstance(one, kind):
                raise TypeError(f"{module.__name__}: expected {constant}, a {kind.__name__}; found {one!r}")
            if one.name in found:
                raise ValueError(f"{module.__name__}: {constant} is called {one.name!r}, as another is")
            found[one.name] = one
    return dict(sorted(found.items()))
