"""One attribute of one resource, changed by other hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from built import Application
from hypothesis import strategies as st

Values = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Mutation:
    """One attribute of one resource, changed by other hands."""

    address: str
    path: str
    change: Callable[[Application, Any, Any], None]
    values: Values

    def apply(self, application: Application, value: Any) -> None:
        """Change the attribute to `value`, which is never the wanted one."""
        self.change(application, application.outputs(self.address), value)

    def __str__(self) -> str:
        return f"{self.address}:{self.path}"


def other(*values: Any) -> Values:
    """One of the values, none of which is the wanted one."""
    return st.sampled_from(values)


def tag(address: str, write: Callable[[Application, Any, Mapping[str, str]], None]) -> Mutation:
    """A tag of the user's with another value; `write` sets tags."""

    def change(application: Application, outputs: Any, value: Any) -> None:
        write(application, outputs, {"team": value})

    return Mutation(address, "tags.team", change, other("other", "", "Quant"))
