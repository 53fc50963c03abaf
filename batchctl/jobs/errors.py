"""What can go wrong with a job, from the client's side.

BatchctlError
├── JobNotFound          404: there is no such job
├── JobConflict          409: the job_id belongs to other content
├── Forbidden            403: the API doesn't let this caller do this
├── Unreachable          no connection, or 502, 503, 504 and 429 for longer than we wait
├── UnexpectedAnswer     an answer that the API never gives: another server, or a fault in ours
├── StillRunning         the job did not end within the time to wait
└── UsageError
    ├── InvalidJob       400, or found before sending: a field breaks a rule
    └── TooLarge         413, or found before sending: the front door doesn't pass so much
"""

from __future__ import annotations

from batchctl.errors import BatchctlError, UsageError


class JobNotFound(BatchctlError):
    """There is no job of this `job_id`."""

    code = "job_not_found"

    def __init__(self, job_id: str) -> None:
        """Name the job, and where those that exist are listed."""
        super().__init__(
            f"could not find job `{job_id}`: there is no such job",
            hint="`batchctl jobs` lists them",
        )
        self.job_id = job_id


class JobConflict(BatchctlError):
    """The `job_id` belongs to a job with another universe or other parameters."""

    code = "job_conflict"

    def __init__(self, job_id: str) -> None:
        """Name the job."""
        super().__init__(
            f"could not submit job `{job_id}`: "
            "a job of this id has another universe or other parameters",
            hint=f"choose another job id; `batchctl show {job_id}` shows the job that has this one",
        )
        self.job_id = job_id


class Forbidden(BatchctlError):
    """The API refused the request: `why` is its own reason, `caller` who asked (None: unsigned)."""

    code = "forbidden"

    def __init__(self, request: str, why: str, caller: str | None) -> None:
        """Name the request, as in "GET /v1/tasks", the caller, and what would let it in."""
        who = f"as `{caller}`" if caller else "without a signature"
        super().__init__(f"could not call `{request}` {who}: {why}", hint=_way_in(why, caller))
        self.why = why
        self.caller = caller


def _way_in(why: str, caller: str | None) -> str:
    """Say what to do about a 403: its text alone says which of many reasons it has."""
    text = why.lower()
    if caller is None:
        return (
            "if the API was deployed from elsewhere with `--auth iam`, set `api.mode: restapi` and "
            "`api.auth: iam` in config.yaml: then requests are signed (in China API Gateway "
            "answers unsigned ones only for accounts with an ICP filing: `batchctl up --auth iam`)"
        )
    if "expired" in text or "not yet current" in text:
        return "renew the credentials, and set this machine's clock: a signature is good for 5 min"
    if "not authorized" in text:
        return "the caller needs `execute-api:Invoke` on this API, or try `--assume-api-role`"
    if "scoped to a valid region" in text:
        return "the API is in another region: pass its `--region`"
    return "check the credentials (`aws sts get-caller-identity`), or try `--assume-api-role`"


class Unreachable(BatchctlError):
    """The `endpoint` doesn't answer, or answers that it can't now; `cause` says which."""

    code = "unreachable"

    def __init__(self, endpoint: str, cause: str) -> None:
        """Keep both, and name the command that shows the state of the application."""
        super().__init__(
            f"could not reach `{endpoint}`: {cause}",
            hint="`batchctl status` shows whether the application is up",
        )
        self.endpoint = endpoint
        self.cause = cause


class UnexpectedAnswer(BatchctlError):
    """An answer that the API doesn't give: its `status`, and `why` it is none of ours."""

    code = "unexpected_answer"

    def __init__(self, request: str, status: int, why: str) -> None:
        """Name the request, as in "GET /v1/tasks"."""
        super().__init__(
            f"could not understand the answer to `{request}`: status {status}, {why}",
            hint="check that the endpoint is that of the application (`batchctl status`), and that "
            "no proxy or login page of the network is in between (HTTPS_PROXY, NO_PROXY)",
        )
        self.status = status
        self.why = why


class StillRunning(BatchctlError):
    """A job that was waited for has not ended in time; it goes on."""

    code = "still_running"

    def __init__(self, job_id: str, status: str, timeout_s: float) -> None:
        """Name the job, its status and how long it was waited for, in seconds."""
        super().__init__(
            f"could not wait longer for job `{job_id}`: it is {status} after {timeout_s:g} s",
            hint=f"it goes on: `batchctl show {job_id}`",
        )
        self.job_id = job_id


class InvalidJob(UsageError):
    """A request that breaks a rule: the `field` (`universe[3]`; None: no single one) and why."""

    code = "invalid_job"

    def __init__(self, field: str | None, rule: str, doing: str = "submit the job") -> None:
        """Say what was being done, which field is wrong, and why."""
        super().__init__(f"could not {doing}: {f'`{field}` ' if field else ''}{rule}")
        self.field = field
        self.rule = rule


class TooLarge(UsageError):
    """A job that is larger than what comes through, in however many parts."""

    code = "too_large"

    def __init__(self, size_bytes: int, limit_bytes: int | None) -> None:
        """Tell both sizes; a limit of None is one that the server didn't name."""
        limit = f", at most {limit_bytes:,} pass" if limit_bytes else ", which is too much for it"
        super().__init__(
            f"could not submit the job: it has {size_bytes:,} bytes of JSON{limit}",
            hint="submit fewer items per job",
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
