"""botocore's descriptions of services, cut down to what is called here, and kept for next time.

botocore describes each service in a JSON document. Those of our twelve have 8 MB, which take longer
to load than most commands take besides: two thousand operations and their documentation. Of these
some two hundred are called here. So what a client was made of is written to the user's cache
without the rest; botocore's loader looks there first. The folder's name is a hash of what the
content follows from, botocore and our own source, so that nothing in it is ever out of date.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore
from botocore import xform_name

from batchctl.errors import BatchctlError
from batchctl.private_files import write_private

if TYPE_CHECKING:
    import boto3
    from botocore.loaders import Loader

_TYPE = "service-2"
_SOURCE = Path(__file__).parent.parent
# What is installed with us, but calls AWS from elsewhere or by clients of its own.
_ELSEWHERE = frozenset({"local", "runner", "contract"})
_PROSE = frozenset({"documentation", "documentationUrl"})


class ServiceModels:
    """The models of services in a folder of the cache, which only its user can write."""

    def __init__(self, cache: Path) -> None:
        """Choose the folder in `cache`; nothing is written yet."""
        self.folder = cache / f"service-models-{_key()}"

    def use_in(self, session: boto3.Session) -> None:
        """Let the session's clients be made from these models, where there are any."""
        _loader(session).search_paths.insert(0, str(self.folder))

    def keep(self, session: boto3.Session, service: str) -> None:
        """Write the model of a client that was just made, if it isn't there; quiet if it can't be.

        A client that was made is one whose model is in memory.
        """
        loader = _loader(session)
        version = loader.determine_latest_version(service, _TYPE)
        path = self.folder / service / version / f"{_TYPE}.json"
        if path.exists():
            return
        model = trimmed(loader.load_service_model(service, _TYPE, version), self._words)
        with suppress(OSError, BatchctlError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, json.dumps(model, separators=(",", ":")))

    @cached_property
    def _words(self) -> frozenset[str]:
        """Every word of our source: the names of the operations that it calls are among them."""
        texts = (path.read_text(encoding="utf-8") for path in _sources())
        return frozenset(word for text in texts for word in re.findall(r"\w+", text))


def trimmed(model: Mapping[str, Any], methods: frozenset[str]) -> dict[str, Any]:
    """Return a service's model with the operations of these Python names, and without prose."""
    operations = {
        name: operation
        for name, operation in model["operations"].items()
        # The last is how DynamoDB finds its endpoints, when somebody has turned that on.
        if xform_name(name) in methods or operation.get("endpointoperation")
    }
    shapes: dict[str, Any] = {}
    ahead = list(_shapes_in(operations))
    while ahead:
        name = ahead.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            ahead += _shapes_in(shapes[name])
    kept: dict[str, Any] = _without_prose({**model, "operations": operations, "shapes": shapes})
    return kept


def _shapes_in(value: Any) -> Iterator[str]:
    """Yield the shapes that a part of a model refers to."""
    if isinstance(value, Mapping):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        for inner in value.values():
            yield from _shapes_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _shapes_in(inner)


def _without_prose(value: Any) -> Any:
    """Return a part of a model without its documentation; a member may be called so as well."""
    if isinstance(value, Mapping):
        return {
            key: _without_prose(inner)
            for key, inner in value.items()
            if not (key in _PROSE and isinstance(inner, str))
        }
    return [_without_prose(inner) for inner in value] if isinstance(value, list) else value


def _key() -> str:
    """Return a hash of botocore's version and of our source, as far as its files' ages tell."""
    found = [botocore.__version__]
    for path in _sources():
        stat = path.stat()
        found.append(f"{path} {stat.st_mtime_ns} {stat.st_size}")
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]


def _sources() -> list[Path]:
    return sorted(
        path
        for path in _SOURCE.rglob("*.py")
        if path.relative_to(_SOURCE).parts[0] not in _ELSEWHERE
    )


def _loader(session: boto3.Session) -> Loader:
    # boto3 has no name for its botocore session; this one is documented nowhere, and stable.
    loader: Loader = vars(session)["_session"].get_component("data_loader")
    return loader
