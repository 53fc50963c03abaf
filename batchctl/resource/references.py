"""References between resources: one kind reaches another's outputs by the resource itself.

Before a resource exists its outputs are placeholders, so that a plan can show where a value will
come from.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchctl.aws.session import Aws
from batchctl.resource.kind import O, Outputs, Resource

_UNKNOWN = "⟨known after up: {address}.{field}⟩"
_UNKNOWN_PATTERN = re.compile("⟨known after up: ([^⟩]*)⟩")


@dataclass(frozen=True)
class Output:
    """One output of another resource as a value: `Output(queue, "url")`."""

    of: Resource[Any]
    name: str = "id"
    suffix: str = ""

    def value(self, deployed: Deployed) -> str:
        """Return the output, or its placeholder before the resource exists."""
        return f"{getattr(deployed[self.of], self.name)}{self.suffix}"


def resolve(value: str | Output, deployed: Deployed) -> str:
    """Return a text as it is, an Output as its value."""
    return value.value(deployed) if isinstance(value, Output) else value


class Deployed:
    """The outputs of existing resources, by resource; placeholders for those to be made.

    `aws` gives the facts of account and region (`region`, `partition`, `account`, `arn(...)`).
    """

    def __init__(self, aws: Aws) -> None:
        """Start with nothing deployed."""
        self.aws = aws
        self._outputs: dict[str, Outputs] = {}

    def __getitem__(self, resource: Resource[O]) -> O:
        """Return the outputs of a resource, or placeholders before it exists."""
        known = self._outputs.get(resource.address)
        return known if known is not None else _placeholder(resource)  # type: ignore[return-value]

    def add(self, resource: Resource[O], outputs: O) -> None:
        """Make the outputs known to the resources that depend on it."""
        self._outputs[resource.address] = outputs


def is_unknown(value: Any) -> bool:
    """Whether a value holds, at any depth, an output that is known only after `up`."""
    if isinstance(value, str):
        return bool(_UNKNOWN_PATTERN.search(value))
    if isinstance(value, Mapping):
        return any(is_unknown(each) for pair in value.items() for each in pair)
    if isinstance(value, Sequence):
        return any(is_unknown(each) for each in value)
    return False


def unknown_output(value: Any) -> str | None:
    """Return the output (`queue.jobs.arn`) that a value wholly is, once known; None for others."""
    found = _UNKNOWN_PATTERN.fullmatch(value) if isinstance(value, str) else None
    return found and found[1]


def _placeholder(resource: Resource[O]) -> O:
    values = {
        each.name: _marker(resource.address, each) for each in dataclasses.fields(resource.outputs)
    }
    make: Callable[..., O] = resource.outputs  # type: ignore[assignment]
    return make(**values)


def _marker(address: str, output: dataclasses.Field[Any]) -> str | tuple[str, ...]:
    text = _UNKNOWN.format(address=address, field=output.name)
    return (text,) if str(output.type).startswith("tuple") else text
