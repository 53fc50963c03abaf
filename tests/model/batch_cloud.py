"""AWS Batch with tasks that live: they start, are tried again on another host, end, tell of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from batch_double import BatchDouble, batch_error
from endings import EXITED, HOST_GONE, attempt, event

from batchctl.contract.reasons import EXIT_TERMINATED
from batchctl.contract.statuses import ENDED_TASK, TaskStatus

MOST_ATTEMPTS = 3


@dataclass
class BatchCloud(BatchDouble):
    """Each task is in `tasks`, by its id in Batch; `events` are those that EventBridge has.

    `stale` arrays end before their summary says all of their children's ends.
    """

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    stale: bool = False

    def runnable(self) -> list[str]:
        return [each for each in self.tasks if self._status(each) == TaskStatus.RUNNABLE]

    def active(self) -> list[str]:
        """The tasks that have not ended."""
        return [each for each in self.tasks if self._status(each) not in ENDED_TASK]

    def begin(self, task: str) -> None:
        self.tasks[task]["status"] = TaskStatus.RUNNING.value
        self._sum_up(self._array(task))

    def end_attempt(
        self, task: str, code: int | None, reason: str = "", status_reason: str = EXITED
    ) -> None:
        """End an attempt at a task: it is tried again where the host went away."""
        detail = self.tasks[task]
        detail["attempts"].append(attempt(code, reason, status_reason))
        lost_host = status_reason.startswith(HOST_GONE[:8]) or code == EXIT_TERMINATED
        again = lost_host and not detail.get("isTerminated")
        if again and len(detail["attempts"]) < MOST_ATTEMPTS:
            detail["status"] = TaskStatus.RUNNABLE.value
            self._sum_up(self._array(task))
        else:
            said = detail.get("statusReason") if detail.get("isTerminated") else status_reason
            self._end_task(task, TaskStatus.SUCCEEDED if code == 0 else TaskStatus.FAILED, said)

    def terminate_job(self, **request: Any) -> dict[str, Any]:
        self._called("TerminateJob", request)
        job = self.jobs.get(request["jobId"])
        if job is None or job["tags"].get("batchctl:stack") != "batchapp":
            raise batch_error("AccessDeniedException", 403)
        if job["status"] in ENDED_TASK:
            return {}
        self.terminated.append(request["jobId"])
        job |= {"statusReason": request["reason"], "isTerminated": True}
        for task in self._tasks_of(request["jobId"]):
            if self._status(task) in ENDED_TASK:
                continue
            self.tasks[task] |= {"statusReason": request["reason"], "isTerminated": True}
            if self._status(task) == TaskStatus.RUNNABLE:
                self._end_task(task, TaskStatus.FAILED, request["reason"])
        return {}

    def _make(self, request: dict[str, Any]) -> dict[str, Any]:
        detail = super()._make(request)
        size = request.get("arrayProperties", {}).get("size")
        if size is None:
            detail |= {"status": TaskStatus.RUNNABLE.value, "attempts": []}
            self.tasks[detail["jobId"]] = detail
            return detail
        for index in range(size):
            child = {
                **detail,
                "jobId": f"{detail['jobId']}:{index}",
                "status": TaskStatus.RUNNABLE.value,
                "arrayProperties": {"index": index},
                "attempts": [],
            }
            self.children[child["jobId"]] = self.tasks[child["jobId"]] = child
        self._sum_up(detail["jobId"])
        return detail

    def _end_task(self, task: str, status: TaskStatus, status_reason: str | None) -> None:
        detail = self.tasks[task]
        detail |= {"status": status.value, "statusReason": status_reason or ""}
        detail["stoppedAt"] = int(self.clock() * 1000)
        if task in self.jobs:
            self._tell(detail)
            return
        # EventBridge leaves out what the event rule does: first-time successes of children.
        if status is TaskStatus.FAILED or len(detail["attempts"]) > 1:
            self._tell(detail)
        array = self._array(task)
        self._sum_up(array)
        ended = [self._status(each) for each in self._tasks_of(array)]
        if all(each in ENDED_TASK for each in ended):
            has_failed = TaskStatus.FAILED in ended
            self.end(array, "FAILED" if has_failed else "SUCCEEDED", detail["stoppedAt"])
            if self.stale:
                self.set_children(array, RUNNABLE=1)
            self._tell(self.jobs[array])

    def _tell(self, detail: dict[str, Any]) -> None:
        self.events.append(event(copy.deepcopy(detail)))

    def _sum_up(self, array: str) -> None:
        tasks = self._tasks_of(array)
        if tasks == [array]:
            return
        states = [self._status(task) for task in tasks]
        summary = {state: states.count(state) for state in states}
        self.jobs[array]["arrayProperties"]["statusSummary"] = summary
        if TaskStatus.RUNNING in states:
            self.jobs[array]["status"] = TaskStatus.PENDING.value

    def _status(self, task: str) -> str:
        return str(self.tasks[task]["status"])

    def _array(self, task: str) -> str:
        return task.partition(":")[0]

    def _tasks_of(self, batch_job: str) -> list[str]:
        return [task for task in self.tasks if self._array(task) == batch_job]
