"""Writes the universe of a job that came in parts as chunks, which its containers can read.

The same again writes the same. What takes longer than a call has goes on in the next one: the
record says how many chunks there are. The parts are deleted when all of them are chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from batchctl.contract.job_record import JobRecord
from batchctl.contract.table import number, text
from handlers.store.jobs import JobStore
from handlers.store.table import Change, Condition


@dataclass(frozen=True)
class Unpacking:
    """Unpacks universes in one table."""

    store: JobStore

    def unpack(self, job: JobRecord, deadline: float) -> JobRecord | None:
        """Return the job with its universe in chunks; `None` when the deadline came before that.

        The deadline is by the monotonic clock. Raises WriteRefusedError.
        """
        if job.parts is None:
            return job
        first = 0
        for items, own in self._whole_chunks(job):
            chunks = -(-len(items) // job.items_per_chunk)
            if first + chunks > job.unpacked:
                self.store.universe.write_packed(job, first, items, own)
            first += chunks
            if self.store.monotonic() >= deadline:
                self._change(job, Change({"unpacked": number(first)}))
                return None
        self._change(job, Change({"unpacked": number(first)}))
        self.store.parts.delete_pieces(job.job_id)
        self._change(job, Change({}, ("parts", "unpacked")))
        return replace(job, parts=None, unpacked=0)

    def _whole_chunks(self, job: JobRecord) -> Iterator[tuple[list[str], dict[int, str]]]:
        """Yield the items in their order, as many at a time as make whole chunks, and the rest."""
        if job.unpacked >= -(-job.items // job.items_per_chunk):
            return  # the parts may be gone
        items, own = list[str](), dict[int, str]()
        for more, theirs in self.store.parts.entries(job):
            own |= {len(items) + at: parameters for at, parameters in theirs.items()}
            items += more
            whole = len(items) - len(items) % job.items_per_chunk
            if whole:
                yield items[:whole], own
                own = {at - whole: each for at, each in own.items() if at >= whole}
                items = items[whole:]
        if items:
            yield items, own

    def _change(self, job: JobRecord, change: Change) -> None:
        same = Condition("#token = :if_token", {":if_token": text(job.token or "")})
        self.store.change(job.job_id, change, same)
