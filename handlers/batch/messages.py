"""The messages to JobSplitter that name a job to submit or to end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Messages:
    """Sends messages to JobSplitter's queue; one too many does no harm."""

    sqs: SQSClient
    queue_url: str

    def send(self, job_id: str) -> None:
        """Have a job looked at."""
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps({"job_id": job_id}))
