"""Cancel, retry and delete jobs: requests to the function JobTracker, signed by the caller."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from batchctl.aws.errors import is_missing
from batchctl.aws.session import Aws
from batchctl.contract.control import Action, Overrides, Request
from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs.api.job import Counts
from batchctl.jobs.api.new_task import check_job_id
from batchctl.jobs.errors import JobNotFound


@dataclass(frozen=True)
class Cancelled:
    """A job that was cancelled, with what had become of its tasks."""

    job_id: str
    status: str
    tasks: Counts


@dataclass(frozen=True)
class Retried:
    """A job that has another attempt: `items` of it in `tasks`, the rest has succeeded before."""

    job_id: str
    status: str
    attempt: int
    items: int
    tasks: int


class Refused(BatchctlError):
    """The job is in no state for it, or the request asks for what the application doesn't have."""

    code = "refused"


@dataclass(frozen=True)
class JobChanges:
    """Changes jobs through the function `tracker`; a call whose answer was lost may be repeated."""

    aws: Aws
    tracker: str

    def cancel(self, job_id: str) -> Cancelled:
        """End the queued and running tasks of a job for good.

        Raises InvalidJob, JobNotFound and, for a job that has ended, Refused.
        """
        answer = self._ask(Request(Action.CANCEL, job_id))
        return Cancelled(answer["job_id"], answer["status"], Counts.from_answer(answer["tasks"]))

    def retry(
        self,
        job_id: str,
        *,
        memory_mib: int | None = None,
        on_demand: bool = False,
        items: Sequence[str] = (),
    ) -> Retried:
        """Run the failed and missing items of an ended job again, as its next attempt.

        `memory_mib` is for this attempt, as is `on_demand`: no Spot. With `items` only those are
        run, and the others stay as they are. Raises InvalidJob,
        JobNotFound, and Refused for a job that runs, has succeeded, or can't run on demand.
        """
        overrides = Overrides(memory_mib, on_demand)
        answer = self._ask(Request(Action.RETRY, job_id, overrides, tuple(items)))
        return Retried(**{name: answer[name] for name in Retried.__dataclass_fields__})

    def delete(self, job_id: str, on_wait: Callable[[], object] = lambda: None) -> None:
        """Delete a job that has ended, with its results; `on_wait` is called where that takes long.

        Raises InvalidJob, JobNotFound and, for a job that hasn't ended, Refused.
        """
        while not self._ask(Request(Action.DELETE, job_id)).get("deleted"):
            on_wait()

    def _ask(self, request: Request) -> dict[str, Any]:
        action, job_id = request.action, request.job_id
        check_job_id(job_id, f"{action} the job")
        answer = invoke(self.aws, self.tracker, request.as_event())
        if not isinstance(answer, dict):
            raise BatchctlError(f"could not {action} the job: `{self.tracker}` answers {answer!r}")
        if "error" in answer:
            _refuse(action, job_id, answer)
        return answer


def invoke(aws: Aws, function: str, event: Mapping[str, object]) -> object:
    """Invoke a function, wait for its answer and return it, read as JSON.

    Raises BatchctlError when there is no such function, when it failed, and when it doesn't answer
    within a minute, as with a job of very many items: then it works on.
    """
    try:
        answer = aws.awslambda.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except ReadTimeoutError as error:
        raise BatchctlError(
            f"could not wait for `{function}`: it has not answered yet",
            hint="it works on: look with `batchctl show`, or run the command again, which is safe",
        ) from error
    except ClientError as error:
        if not is_missing(error):
            raise
        raise BatchctlError(
            f"could not ask `{function}`: there is no such function",
            hint="`batchctl up` makes what is missing",
        ) from error
    read = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        message = read.get("errorMessage", "no message") if isinstance(read, dict) else str(read)
        raise BatchctlError(
            f"could not ask `{function}`: it failed: {message}",
            hint=f"its log is in the log group `/aws/lambda/{function}`; the command may be "
            "repeated",
        )
    return read


def _refuse(action: Action, job_id: str, answer: Mapping[str, Any]) -> None:
    code, why = answer.get("code"), str(answer["error"])
    if code == 404:
        raise JobNotFound(job_id)
    message = f"could not {action} job `{job_id}`: {why}"
    if code == 400:
        raise UsageError(message)
    raise Refused(message, hint=f"`batchctl show {job_id}` shows how it stands")
