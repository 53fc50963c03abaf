"""The requests that submit a job: one, or for a universe that no door passes whole, one for a part.

The same job is cut in the same way again: parts are cut by their bytes alone, far below what any
door passes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from batchctl.contract.job_options import NO_OPTIONS, JobOptions
from batchctl.contract.limits import MAX_BODY_BYTES, MAX_PARTS, MAX_UNIVERSE_BYTES
from batchctl.jobs.api.new_task import COMPACT, Door, Entry, check_job, fitting
from batchctl.jobs.errors import TooLarge

PART_BYTES = 900_000
"""JSON of the entries of a part; parameters and options come on top of it."""


@dataclass(frozen=True)
class NewJob:
    """A job to submit; raises InvalidJob, naming the field, for what no front door would take."""

    job_id: str
    universe: Sequence[Entry]
    parameters: Mapping[str, object]
    options: JobOptions = NO_OPTIONS

    def __post_init__(self) -> None:
        """Check all that can be checked here."""
        check_job(self.job_id, self.universe, self.parameters, self.options)

    def bodies(self, door: Door) -> tuple[int, Iterator[bytes]]:
        """Return how many requests it takes, and their bodies as they are needed.

        They are JSON in UTF-8, with gzip where one has to be smaller. Raises TooLarge for what
        doesn't come through, in however many parts.
        """
        sizes = array("L", map(_size, self.universe))
        ends = list(_ends(sizes))
        # What is far larger than any body isn't encoded to find that out.
        if len(ends) * PART_BYTES <= MAX_BODY_BYTES + PART_BYTES:
            whole = _encoded(self._content(self.universe))
            body = fitting(whole, door)
            if body is not None:
                return 1, iter((body,))
        size = sum(sizes)
        if len(ends) > MAX_PARTS or size > MAX_UNIVERSE_BYTES:
            raise TooLarge(size, MAX_UNIVERSE_BYTES)
        return len(ends), self._parts(ends)

    def _parts(self, ends: Sequence[int]) -> Iterator[bytes]:
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False), start=1):
            part = {"number": number, "of": len(ends)}
            yield _encoded({**self._content(self.universe[start:end]), "part": part})

    def _content(self, entries: Sequence[Entry]) -> dict[str, object]:
        content: dict[str, object] = {"job_id": self.job_id, "universe": list(entries)}
        if self.parameters:
            content["parameters"] = dict(self.parameters)
        return content | self.options.as_body()


def _ends(sizes: Sequence[int]) -> Iterator[int]:
    """Yield after which entry each part ends."""
    used = 0
    for index, size in enumerate(sizes):
        if used and used + size > PART_BYTES:
            yield index
            used = 0
        used += size
    yield len(sizes)


def _size(entry: Entry) -> int:
    """Return the bytes of an entry in a request, with the comma after it."""
    if isinstance(entry, str) and entry.isascii() and entry.isprintable():
        return len(entry) + 3 + entry.count('"') + entry.count("\\")
    return len(_encoded(entry)) + 1


def _encoded(content: object) -> bytes:
    return COMPACT.encode(content).encode()
