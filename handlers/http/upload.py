"""A universe that is larger than a request: it comes in parts, and with the last one it is a job.

The record is made by whichever part comes first, in the status RECEIVING. Parts may come in any
order and again. When all are there they are read together: the universe is checked, the content
hash made as if it had come in one request, and only then is the job sent to be split. A receiver
that dies anywhere leaves what the same part, sent again, goes on with. An upload that is never
completed is forgotten after a week: its parts expire, and its job_id is free.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from batchctl.contract.chunks import listed, names_in
from batchctl.contract.job_record import JobRecord
from batchctl.contract.limits import MAX_ITEMS, MAX_UNIVERSE_BYTES, UPLOAD_DAYS
from batchctl.contract.retention import DAY_S
from batchctl.contract.statuses import Status
from batchctl.contract.table import ITEMS_PER_CHUNK, chunk_size, entry_sizes, number, text
from handlers.http.front_door import RequestError
from handlers.http.request import ContentHash, NewTask, Part
from handlers.http.slicing import Slicing
from handlers.store.jobs import JobStore
from handlers.store.table import Change, Condition

ANOTHER = "belongs to a job with another universe or parameters, or to another upload"


@dataclass(frozen=True)
class Taken:
    """What became of a part: the job, and how many of its parts there are; `None`: all of them."""

    job: JobRecord
    received: int | None = None


@dataclass(frozen=True)
class Uploads:
    """Takes parts."""

    store: JobStore
    slicing: Slicing

    def take(self, job: JobRecord, task: NewTask, part: Part) -> Taken:
        """Store a part of a job whose record there is; the job is complete with the last one.

        Raises RequestError: 409 when it is no part of this job, 400 and 413 for a universe that
        breaks a rule as a whole. Raises WriteRefusedError.
        """
        content = f"[{listed(task.universe, task.own)}]".encode()
        if is_open(job, part):
            keep_until = self.store.retention.expiry(self.store.clock())
            largest = max(entry_sizes(task.universe, task.own))
            if not self.store.parts.put(job, part.number, content, largest, keep_until):
                raise RequestError(409, f"has another part {part.number} already", "part")
            marks = self.store.parts.marks(job)
            if len(marks) < part.of:
                return Taken(job, len(marks))
            largest = max(mark.largest for mark in marks.values())
            return Taken(self._completed(job, task, largest))
        mark = self.store.parts.mark(job, part.number)
        is_same = mark is not None and mark.digest == hashlib.sha256(content).hexdigest()
        if not is_same or mark is None or mark.token != job.token:
            raise RequestError(409, ANOTHER, "job_id")
        return Taken(job)

    def _completed(self, job: JobRecord, task: NewTask, largest: int) -> JobRecord:
        """Make the record that of the whole universe; what is there already stays."""
        whole = self._whole(job, task, largest)
        sets = {
            "items": number(whole.items),
            "items_per_task": number(whole.items_per_task),
            "tasks": number(whole.tasks),
            "items_per_chunk": number(whole.items_per_chunk),
            "content_hash": text(whole.content_hash),
        }
        if whole.max_failures is not None:
            sets["max_failures"] = number(whole.max_failures)
        if whole.expires_at is not None:
            sets["expires_at"] = number(whole.expires_at)
        removes = () if whole.expires_at is not None else ("expires_at",)
        is_open_still = Condition(
            "#content_hash = :if_hash AND #token = :if_token",
            {":if_hash": text(job.content_hash), ":if_token": text(job.token or "")},
        )
        if self.store.change(job.job_id, Change(sets, removes), is_open_still) is not None:
            return whole
        present = self.store.read(job.job_id)  # another request, or our own first try
        if present is None or present.content_hash != whole.content_hash:
            raise RequestError(409, ANOTHER, "job_id")
        return present

    def _whole(self, job: JobRecord, task: NewTask, largest: int) -> JobRecord:
        digest = ContentHash(job.parameters)
        names, total = set[str](), 0
        for content in self.store.parts.read(job):
            items = names_in(content)
            digest.add(content[1:-1])
            total += len(content)
            before = len(names)
            names.update(items)
            if len(names) != before + len(items):
                raise RequestError(
                    400,
                    "has an item in two parts: submit distinct items, under another id",
                    "universe",
                )
            if len(names) > MAX_ITEMS:
                raise RequestError(400, f"has more than {MAX_ITEMS} items", "universe")
            if total > MAX_UNIVERSE_BYTES:
                raise RequestError(413, f"has over {MAX_UNIVERSE_BYTES} bytes", "universe")
        count = len(names)
        return replace(
            job,
            items=count,
            items_per_task=self.slicing.items_per_task_of(task.options, count),
            items_per_chunk=chunk_size([largest] * min(count, ITEMS_PER_CHUNK)),
            content_hash=digest.hexdigest(),
            max_failures=task.options.failures_allowed(count),
            expires_at=self.store.retention.expiry(self.store.clock()),
        )


def upload_hash(parameters: str, parts: int) -> str:
    """Return what stands for the content of a job while its parts come."""
    text = f'{{"parameters":{parameters},"parts":{parts}}}'
    return f"upload:{hashlib.sha256(text.encode()).hexdigest()}"


def is_open(job: JobRecord, part: Part) -> bool:
    """Whether a job waits for such a part; raises RequestError (409) for one of another upload."""
    if job.status is not Status.RECEIVING or job.parts is None:
        return False
    if job.content_hash == upload_hash(job.parameters, job.parts):
        if job.parts != part.of:
            raise RequestError(409, ANOTHER, "job_id")
        return True
    return False


def expiry(now: float) -> int:
    """Return when an upload that begins now is forgotten."""
    return int(now) + UPLOAD_DAYS * DAY_S
