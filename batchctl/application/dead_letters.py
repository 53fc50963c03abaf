"""The queues of messages that failed for good, and what can be done with them."""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.application.job_resources import Recorded, dead_letters_of
from batchctl.aws.session import Aws
from batchctl.jobs import dead_letters
from batchctl.jobs.resources import DeadLetters


@dataclass(frozen=True)
class DeadLetterQueue:
    """One queue of messages that failed; `source` says what they were."""

    aws: Aws
    queue: DeadLetters

    @property
    def source(self) -> str:
        """`jobs` that could not be submitted, or `events` that JobTracker didn't get."""
        return self.queue.source

    def peek(self, limit: int) -> list[dead_letters.DeadLetter]:
        """Return messages of the queue, which stay there: at most `limit`."""
        return dead_letters.peek(self.aws, self.queue, limit)

    def redrive(self) -> int:
        """Have every message tried again; return how many there were."""
        return dead_letters.redrive(self.aws, self.queue)

    def drop(self) -> int:
        """Delete every message for good; return how many there were."""
        return dead_letters.drop(self.aws, self.queue)


def dead_letter_queues(aws: Aws, recorded: Recorded) -> tuple[DeadLetterQueue, ...]:
    """Return the queues that there are; UsageError before `up`."""
    return tuple(DeadLetterQueue(aws, queue) for queue in dead_letters_of(recorded))
