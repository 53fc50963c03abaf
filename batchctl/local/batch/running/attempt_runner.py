"""One attempt, really run in a thread of its own: credentials, log stream, process, output."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from batchctl.local.batch.model.scope import Clock
from batchctl.local.batch.running.account import Account
from batchctl.local.batch.running.executor import Executor, Process, StartError
from batchctl.local.batch.running.logs import Lines, batches
from batchctl.local.batch.running.task import Handle, Outcome, Reports, Task

_POLL_S = 0.5
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskEnvironment:
    """Where attempts run: the endpoint of their AWS calls, and the variables that all get."""

    endpoint_url: str
    variables: Mapping[str, str]


class AttemptRunner:
    """Runs attempts with an executor, under their job roles."""

    def __init__(
        self, account: Account, executor: Executor, environment: TaskEnvironment, clock: Clock
    ) -> None:
        """Run nothing yet."""
        self._account, self._executor = account, executor
        self._environment, self._clock = environment, clock

    def run(self, task: Task, reports: Reports) -> Handle:
        """Start to run `task` in a thread, and return at once."""
        attempt = _RunningAttempt(self, task, reports)
        threading.Thread(target=attempt.run, name=f"attempt-{task.id}", daemon=True).start()
        return attempt

    def start(self, task: Task) -> Process:
        """Start the process of `task`; StartError says why it couldn't be."""
        role = self._credentials(task)
        self._account.create_log_stream(task.log_group, task.log_stream)
        environment = {**self._environment.variables, **role, **task.environment}
        environment["AWS_ENDPOINT_URL"] = self._environment.endpoint_url
        return self._executor.start(task, environment)

    def follow(self, task: Task, process: Process) -> Outcome:
        """Bring the process's output to its log stream until it has ended; return how it did."""
        lines = Lines(process.output, self._clock, task.id)
        while not lines.has_ended:
            for batch in batches(lines.take(_POLL_S)):
                self._account.put_log_events(task.log_group, task.log_stream, batch)
            if process.has_ended():
                # Whatever it left running holds its output open.
                process.send_signal(signal.SIGKILL)
        return process.wait()

    def _credentials(self, task: Task) -> Mapping[str, str]:
        if task.role_arn is None:
            return {}
        return self._account.credentials(task.role_arn, task.id)


class _RunningAttempt:
    def __init__(self, runner: AttemptRunner, task: Task, reports: Reports) -> None:
        self._runner, self._task, self._reports = runner, task, reports
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._signal: int | None = None

    def run(self) -> None:
        try:
            outcome = self._run()
        except StartError as error:
            outcome = Outcome(reason=str(error))
        except Exception as error:  # whatever happens, the job must learn that its attempt is over
            logger.exception("attempt %s of job %s", self._task.id, self._task.job_id)
            outcome = Outcome(reason=f"CannotStartContainerError: {error}")
        self._reports.ended(self._task.id, outcome)

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _run(self) -> Outcome:
        process = self._runner.start(self._task)
        with self._lock:
            self._process, missed = process, self._signal
        if missed is not None:
            process.send_signal(missed)
        self._reports.started(self._task.id)
        try:
            return self._runner.follow(self._task, process)
        except BaseException:
            process.send_signal(signal.SIGKILL)
            process.wait()
            raise

    def _send(self, number: int) -> None:
        with self._lock:
            process, self._signal = self._process, number
        if process is not None:
            process.send_signal(number)


def inherited() -> dict[str, str]:
    """Return the variables that every job gets: a few of ours, and no way to AWS but ours."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {
        # No configuration of the user's may reach a job: not a profile, not a key, not an endpoint.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "BOTO_CONFIG": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }
