"""What a line of the log says: the runner writes JSON, other programs whatever they like.

A line of the runner's about an item is `{"item": "A", "message": "what the item printed"}`, or has
other fields instead of `message`: how the item ended. One about the task has no `item`: what
`setup` printed (`{"message": …}`), or what the runner says of itself. The first line of a task that
could begin names the job: `{"job_id": …}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from batchctl.jobs.logs.reader import Line


def read(line: Line) -> Line:
    """Return a line with the item that it is about, if the runner says so, and its text to read."""
    found = _object(line.text)
    item, message = found.pop("item", None), found.get("message")
    if item is not None and not isinstance(item, str):
        return line
    if isinstance(message, str) and len(found) == 1:
        return replace(line, item=item, text=message)
    if item is None:
        return line
    return replace(line, item=item, text=json.dumps(found, ensure_ascii=False))


@dataclass
class OfItem:
    """Keeps the lines of one item of a job.

    What the runner didn't write could be of any item: it is kept where no runner shows, as in an
    image of the user's own.
    """

    item: str
    job_id: str
    _runners: set[tuple[int, int, int]] = field(default_factory=set)

    def keep(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Yield the item's lines, read."""
        return (line for line in map(self._read, lines) if line is not None)

    def _read(self, line: Line) -> Line | None:
        attempt, known = (line.run, line.task, line.attempt), read(line)
        if known.item is not None or _object(line.text).get("job_id") == self.job_id:
            self._runners.add(attempt)
        if known.item is None:
            return None if attempt in self._runners else line
        return known if known.item == self.item else None


def _object(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
