"""From what AWS Batch says of a failed task to a reason, its cause, and what to do. No calls.

One table, read by the tracker, which records the reason of each item without a result, and by
`batchctl why`, which tells people. The first row whose pattern is in Batch's words decides.

Each row names its source: a document of AWS, or where others have reported the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchctl.contract.batch_jobs import CANCELLED, ENDED
from batchctl.contract.environment import RunnerExit
from batchctl.contract.statuses import TaskStatus

HOST_GONE = "Host EC2"
"""How the status reason of an attempt that lost its host begins."""
EXIT_TERMINATED = 143
"""128 + SIGTERM: the container was told to stop, by its host going away unless Batch says more."""


class Reason(StrEnum):
    """What ended an item without a result."""

    EXCEPTION = "EXCEPTION"
    EXIT_CODE = "EXIT_CODE"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIMEOUT = "TIMEOUT"
    SPOT_RECLAIM = "SPOT_RECLAIM"
    IMAGE = "IMAGE"
    TERMINATED = "TERMINATED"
    HOST = "HOST"
    NOT_RUN = "NOT_RUN"
    """It never began: its task ended before its turn came."""
    TABLE = "TABLE"
    """Its task could not use the job table."""
    MAX_FAILURES = "MAX_FAILURES"
    """The job was ended as too many of its items had failed."""
    BUDGET = "BUDGET"
    """The job was ended as it cost what it may."""
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Cause:
    """Why a task failed: known by a pattern in Batch's words (any case).

    `cause` and `advice` are for people; `{job}` in `advice` stands for the job's id. `source` says
    where the words are from.
    """

    reason: Reason
    pattern: str
    cause: str
    advice: str
    source: str

    def advice_for(self, job_id: str) -> str:
        """Return the advice for a job."""
        return self.advice.replace("{job}", job_id)


NEVER = "(?!)"
"""The pattern of what no words of Batch say."""

STOPPED_TASKS = "Amazon ECS Developer Guide, `Amazon ECS stopped tasks error messages`"

TERMINATED = Cause(
    Reason.TERMINATED,
    CANCELLED,
    "the job was cancelled",
    "`batchctl retry {job}` runs the rest",
    "TerminateJob repeats our own words",
)
BY_A_LIMIT = Cause(
    Reason.TERMINATED,
    ENDED,
    "the job was ended by a limit of its own, as `--max-failures`",
    "`batchctl results {job} --failed` says what failed; `batchctl retry {job}` runs the rest",
    "TerminateJob repeats our own words",
)
RECLAIMED = Cause(
    Reason.SPOT_RECLAIM,
    HOST_GONE,
    "Spot took the hosts away, again and again",
    "`batchctl retry {job} --on-demand`, or more `compute.instance_types` to choose from",
    "AWS Batch User Guide, `Automated job retries`, `AWS Batch best practices`",
)
LOST_HOST = Cause(
    Reason.HOST,
    HOST_GONE,
    "the host went away",
    "`batchctl retry {job}`; if it happens again, check the instances in the EC2 console",
    RECLAIMED.source,
)
NO_TABLE = Cause(
    Reason.TABLE,
    NEVER,
    "the task could not use the job table: no way to DynamoDB, or no permission",
    "`batchctl logs {job}` has DynamoDB's answer: check the compute subnets' route to DynamoDB "
    "(a NAT gateway or an endpoint); `batchctl plan` shows a changed job role; then "
    "`batchctl retry {job}`",
    "the runner's exit status 3",
)
NOT_RUN = Cause(
    Reason.NOT_RUN,
    NEVER,
    "the item never began: its task ended before its turn came, because of another item or because "
    "the image's entry point didn't start the runner",
    "`batchctl retry {job}` runs these first, and last what their tasks had in hand; if none "
    "began, check ENTRYPOINT in the Dockerfile, and `batchctl logs {job}`",
    "the progress that the task recorded",
)
TOO_MANY_FAILURES = Cause(
    Reason.MAX_FAILURES,
    NEVER,
    "the job was ended: more of its items failed than `--max-failures` allows",
    "see what failed first (`batchctl results {job} --failed`), fix the cause, then `batchctl up` "
    "and `batchctl retry {job}`",
    "the job's own record",
)
OVER_BUDGET = Cause(
    Reason.BUDGET,
    NEVER,
    "the job was ended: it has cost as much as it may",
    "`batchctl retry {job}` runs the rest",
    "the job's own record",
)
RECORDED: Mapping[str, Cause] = {
    cause.reason: cause for cause in (NOT_RUN, NO_TABLE, TOO_MANY_FAILURES, OVER_BUDGET)
}
"""The causes of items that AWS Batch has no words for, by their reason."""
RAN_NOTHING = Cause(
    Reason.NOT_RUN,
    NEVER,
    "the container ended with exit status 0 and the runner recorded nothing: it was never started",
    "see that the image's ENTRYPOINT passes its command on (`sh -c` doesn't), then `batchctl up` "
    "and `batchctl retry {job}`",
    "what the task recorded: nothing",
)
UNKNOWN = Cause(
    Reason.UNKNOWN,
    "",
    "unknown: AWS Batch gives none of the reasons that are known",
    "`batchctl logs {job}` has what the tasks wrote",
    "none",
)
CAUSES = (
    TERMINATED,
    BY_A_LIMIT,
    Cause(
        Reason.TIMEOUT,
        "exceeded timeout",
        "the task ran longer than `compute.timeout_s` allows",
        "raise `compute.timeout_s` or lower `compute.items_per_task`, then `batchctl up` and "
        "`batchctl retry {job}`",
        "AWS Batch User Guide, `Job timeouts`",
    ),
    RECLAIMED,
    Cause(
        Reason.HOST,
        "no space|thin ?pool|disk quota",
        "the host's disk is full: the image, or what its tasks write, is too large for it",
        "make the image smaller, or have tasks write less, then `batchctl up` and "
        "`batchctl retry {job}`",
        "amazon-ecs-agent #2467, raster-vision #1212 (CannotCreate with exit status 1, no log)",
    ),
    Cause(
        Reason.HOST,
        "logging driver|log ?group|log stream",
        "the container's log could not be opened: its log group is missing, or may not be used",
        "`batchctl up` makes the log group again; then `batchctl retry {job}`",
        f"{STOPPED_TASKS} (CannotStartContainerError)",
    ),
    Cause(
        Reason.IMAGE,
        "exec format error",
        "the image is of another processor architecture than the instances",
        "check `compute.architecture` and `compute.image`, then `batchctl up` and "
        "`batchctl retry {job}`",
        STOPPED_TASKS,
    ),
    Cause(
        Reason.IMAGE,
        r"executable file not found|Cannot(?:Start|Create)Container.*(?:no such file|permission)",
        "the image doesn't have the command, or it can't be executed",
        "check `compute.command` and `compute.image`, then `batchctl up` and "
        "`batchctl retry {job}`",
        STOPPED_TASKS,
    ),
    Cause(
        Reason.IMAGE,
        "CannotPull|ImageNotFound|CannotInspectImage|pull access denied|manifest (for|unknown)",
        "the image could not be pulled: its name is wrong, the registry refuses it, or the "
        "subnets have no way to it",
        "check `compute.image` (the instances must reach it), then `batchctl up` and "
        "`batchctl retry {job}`",
        STOPPED_TASKS,
    ),
    Cause(
        Reason.OUT_OF_MEMORY,
        "OutOfMemory",
        "the task needed more memory than it may have",
        "`batchctl retry {job} --memory …`, and raise `compute.memory_mib` for the next jobs",
        f"{STOPPED_TASKS}; with exit status 0: amazon-ecs-agent #2467 (a child was killed)",
    ),
    Cause(
        Reason.HOST,
        "DockerTimeoutError.*transition to created",
        "the host had too many containers to start at once: it was still pulling images",
        "`batchctl retry {job}`; a smaller image, or larger instances, are pulled fewer at a time",
        "nextflow #2730",
    ),
    Cause(
        Reason.HOST,
        r"\bAGENT\b|DockerTimeout|Task failed to start|Cannot(Start|Create|Stop|Inspect)Container"
        "|ResourceInitialization|ContainerRuntime",
        "the host failed, or could not run the container",
        "`batchctl retry {job}`; if it happens again, check the instances' disks and network",
        f"{STOPPED_TASKS}; CannotInspect after a run: metaflow #1761; exit status 137 after `Could "
        "not transition to stopped`: amazon-ecs-agent #4308",
    ),
    Cause(
        Reason.EXIT_CODE,
        r"exit status 12[67]\b",
        "the container's command was not found, or can't be executed",
        "check `compute.command` and `compute.image`, then `batchctl up` and "
        "`batchctl retry {job}`",
        "Docker, `docker run` reference, `Exit status`",
    ),
    Cause(
        Reason.EXIT_CODE,
        r"exit status 137\b",
        "the program was killed by SIGKILL, and nothing says that it was for its memory",
        "`batchctl logs {job}` has what it wrote; if its memory may be the cause, `batchctl retry "
        "{job} --memory …`",
        "128 and the number of the signal (Docker, `docker run` reference, `Exit status`)",
    ),
    Cause(
        Reason.HOST,
        rf"exit status {EXIT_TERMINATED}\b",
        "the container was asked to stop (SIGTERM), as it is when its host goes away",
        "`batchctl retry {job} --on-demand`; if no host went away, see who ends the program",
        "128 and the number of SIGTERM (Docker, `docker run` reference, `Exit status`)",
    ),
    Cause(
        Reason.EXIT_CODE,
        "exit status [1-9]",
        "the program failed: `compute` raised for an item, or the program ended by itself",
        "`batchctl results {job} --failed` and `batchctl logs {job}` say where; fix it, then "
        "`batchctl up` and `batchctl retry {job}`",
        "AWS Batch API reference, AttemptContainerDetail, `exitCode`",
    ),
    UNKNOWN,
)


@dataclass(frozen=True)
class Failure:
    """Why a task failed, in words for people; `attempts` counts the times that it was started.

    `seconds` is the wall time of the last one; `None` where Batch doesn't say.
    """

    reason: Reason
    error: str
    exit_code: int | None = None
    attempts: int = 0
    seconds: float | None = None


@dataclass(frozen=True)
class Success:
    """Exit status 0, of a container that records nothing itself; else as of a failure."""

    attempts: int = 0
    seconds: float | None = None


def cause_of(words: str, *, on_demand: bool = False) -> Cause:
    """Return the cause that Batch's `words` name, as `words_of` gives them.

    A host of an `on_demand` queue that went away was not reclaimed.
    """
    found = next(each for each in CAUSES if re.search(each.pattern, words, re.IGNORECASE))
    return LOST_HOST if on_demand and found is RECLAIMED else found


def words_of(task: Mapping[str, Any]) -> str:
    """Return what Batch says of a task and its last container in one line, each thing once.

    `task` is a JobDetail, or a JobSummary of ListJobs. The exit status comes last.
    """
    code = exit_code_of(task)
    said = (*_said(task), "" if code is None else f"exit status {code}")
    return "; ".join(dict.fromkeys(text for text in said if text))


def exit_code_of(task: Mapping[str, Any]) -> int | None:
    """Return the last exit status; a container whose host went away often has none."""
    for container in _containers(task):
        if container.get("exitCode") is not None:
            return int(container["exitCode"])
    return None


def end_of(
    task: Mapping[str, Any] | None, *, on_demand: bool, has_runner: bool = False
) -> Failure | Success:
    """Return how a task ended, from its JobDetail of DescribeJobs or of an event.

    Without `task` Batch doesn't know it any more. Of a container that `has_runner` one exit status
    says more than of any other program.
    """
    if task is None:
        return Failure(Reason.UNKNOWN, "the task ended, and AWS Batch no longer knows how")
    attempts = task.get("attempts", ())
    seconds = _seconds(attempts[-1]) if attempts else None
    if task.get("status") == TaskStatus.SUCCEEDED and (
        has_runner or cause_of(words_of(task)).reason is not Reason.OUT_OF_MEMORY
    ):
        return Success(len(attempts), seconds)
    cause = _cause_of_task(task, on_demand=on_demand)
    if has_runner and cause.reason is Reason.EXIT_CODE and exit_code_of(task) == RunnerExit.TABLE:
        cause = NO_TABLE
    error = _error(cause, task)
    return Failure(cause.reason, error, exit_code_of(task), len(attempts), seconds)


def reclaims_of(task: Mapping[str, Any]) -> tuple[int, float]:
    """Count the attempts at a task that lost their host, and the seconds that they had run.

    Also those that were stopped before their host was, which the job definition has tried again.
    """
    attempts = task.get("attempts", ())
    lost = [
        attempt
        for number, attempt in enumerate(attempts, 1)
        if _lost_host(_text(attempt, STATUS_REASON))
        or (number < len(attempts) and _exit_code(attempt) == EXIT_TERMINATED)
    ]
    return len(lost), round(sum(_seconds(attempt) or 0.0 for attempt in lost), 3)


STATUS_REASON = "statusReason"
SIGKILLED = 137


def _cause_of_task(task: Mapping[str, Any], *, on_demand: bool) -> Cause:
    """Return who ended the task: somebody, the clock, the host; else what the words say."""
    if task.get("isTerminated") or task.get("isCancelled"):
        return TERMINATED
    status = _text(task, STATUS_REASON)
    decisive = cause_of(status, on_demand=on_demand)
    if decisive.reason in {Reason.TERMINATED, Reason.TIMEOUT} or _lost_host(status):
        return decisive
    # What an earlier status reason says of a host is past: the last attempt's own words decide.
    return cause_of(words_of(task), on_demand=on_demand)


def _error(cause: Cause, task: Mapping[str, Any]) -> str:
    status, times = _text(task, STATUS_REASON), len(task.get("attempts", ()))
    own = {
        TERMINATED: f"the task was terminated: {status or 'no reason given'}",
        RECLAIMED: f"Spot took the host away, {times} times: {status}",
        LOST_HOST: f"the host went away, {times} times: {status}",
        NO_TABLE: f"{NO_TABLE.cause}: its log says what DynamoDB answered",
        UNKNOWN: "; ".join(_said(task)) or "AWS Batch gives no reason",
    }
    if cause in own:
        return own[cause]
    if cause.reason is Reason.EXIT_CODE:
        code = exit_code_of(task)
        killed = " (killed by SIGKILL)" if code == SIGKILLED else ""
        return f"the container ended with exit status {code}{killed}: its log says why"
    return f"{cause.cause}: {'; '.join(_said(task)) or words_of(task)}"


def _said(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield what Batch says of the task and of its last container, each once."""
    said = [_text(task, STATUS_REASON), *(_text(each, "reason") for each in _containers(task))]
    yield from dict.fromkeys(text for text in said if text)


def _containers(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the container of the last attempt, then the task's."""
    attempts = task.get("attempts") or [{}]
    yield attempts[-1].get("container") or {}
    yield task.get("container") or {}


def _lost_host(status_reason: str) -> bool:
    return status_reason.startswith(HOST_GONE)


def _seconds(attempt: Mapping[str, Any]) -> float | None:
    started, stopped = attempt.get("startedAt"), attempt.get("stoppedAt")
    return None if started is None or stopped is None else max(0.0, (stopped - started) / 1000)


def _exit_code(attempt: Mapping[str, Any]) -> int | None:
    return (attempt.get("container") or {}).get("exitCode")


def _text(described: Mapping[str, Any], name: str) -> str:
    return str(described.get(name) or "")
