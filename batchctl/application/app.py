"""The application as scripts and notebooks use it: `batchctl.open()`.

    app = batchctl.open(local=True)
    for item, result in app.map(["AAPL", "MSFT"], parameters={"paths": 20000}):
        ...

It prints nothing, asks nothing and never ends the process. Whatever fails is an exception with a
`code` and a `hint`. What the command line would ask is an argument here.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from batchctl.application.application import Application
from batchctl.application.building import BuildableApplication
from batchctl.application.function import Function
from batchctl.application.job_handle import JobHandle
from batchctl.application.opening import open_application
from batchctl.application.opening_to_build import (
    as_deployed,
    open_to_build,
    open_to_compare,
    open_to_delete,
)
from batchctl.application.requirements import (
    require_allowed,
    require_no_downgrade,
    takeover_of,
)
from batchctl.application.target import Target
from batchctl.contract.shipped_code import VALUE
from batchctl.engine.events import Event, ignore
from batchctl.errors import BatchctlError, NeedsAgreement
from batchctl.jobs.api.new_task import check_job
from batchctl.jobs.job_ids import new_job_id

if TYPE_CHECKING:
    from batchctl.application.status import Status
    from batchctl.engine.plan import Plan
    from batchctl.engine.walk import WalkOutcome
    from batchctl.jobs import JobsClient

Consequence = Literal["adopt", "downgrade", "loosen", "lose_data", "end_jobs"]
"""What `up` and `down` do only when it was agreed to."""

Parameters = Mapping[str, object]
Code = Callable[..., object] | Function
"""What a job computes where that isn't compute.py's: a function, or one with what it needs."""
OnStep = Callable[[Event], object]


@dataclass(frozen=True)
class Deployment:
    """What a run of `up` or `down` did: its events in their order, and where the API is now."""

    events: tuple[Event, ...]
    endpoint: str | None


class RunFailed(BatchctlError):
    """A run of `up` or `down` ended with failures; what was done is recorded, `up` goes on."""

    code = "run_failed"

    def __init__(self, outcome: WalkOutcome) -> None:
        """Name each failure."""
        failures = [f"{address}: {error}" for address, error in outcome.failed.items()]
        if outcome.ended_by is not None:
            failures.append(str(outcome.ended_by))
        if outcome.interrupted:
            failures.append("interrupted")
        super().__init__("\n".join(failures) or "not everything was done", "run it again")
        self.outcome = outcome


@dataclass(frozen=True)
class App:
    """One application in one place; `batchctl.open` makes it. Nothing is called before it is asked.

    All methods raise BatchctlError.
    """

    target: Target

    # Jobs

    def submit(
        self,
        universe: Iterable[str],
        *,
        job_id: str | None = None,
        parameters: Parameters | None = None,
        code: Code | None = None,
    ) -> JobHandle:
        """Submit a job and return it at once.

        Without a `job_id` it gets a new one. With one, the same again is no new job but the same
        one, so that a script can be run again. Raises JobConflict when the id has other content.

        It computes `code`, a function of a script or a notebook, instead of compute.py's compute:
        it and what it refers to go along (see `Function` for its arguments and packages).
        """
        job_id = job_id or new_job_id(self._application.config.name)
        wanted, given = list(universe), dict(parameters or {})
        if code is not None:
            check_job(job_id, wanted, given)
            given |= self._shipped(code)
        self._client.submit(job_id, wanted, given)
        return self.job(job_id)

    def _shipped(self, code: Code) -> dict[str, object]:
        """Return the parameter that names code, which is in the table now."""
        from batchctl.application.shipped.shipping import ship  # noqa: PLC0415 - loads boto3

        return ship(self._application, code if isinstance(code, Function) else Function(code))

    def map(
        self,
        items: Iterable[str],
        parameters: Parameters | None = None,
        *,
        job_id: str | None = None,
        code: Code | None = None,
        return_exceptions: bool = False,
    ) -> Iterator[tuple[str, object]]:
        """Yield each item with its result, in the order of `items`, as they come.

        An item that failed raises ItemFailed where its turn comes; with `return_exceptions` that is
        its result. Whoever stops, by Ctrl-C too, leaves the job running: `app.job(id)` finds it,
        and so does the same call with the same `job_id`.
        """
        wanted = list(items)
        job = self.submit(wanted, job_id=job_id, parameters=parameters, code=code)
        results = job.map(wanted, return_exceptions=return_exceptions)
        return results if code is None else _values(results)

    def job(self, job_id: str) -> JobHandle:
        """Return a job by its id; whether there is one shows when it is asked for something."""
        return JobHandle(job_id, self._client, self._application)

    def jobs(self) -> Iterator[JobHandle]:
        """Yield the jobs, newest first."""
        yield from (self.job(each.job_id) for each in self._client.all_jobs())

    async def submit_async(
        self,
        universe: Iterable[str],
        *,
        job_id: str | None = None,
        parameters: Parameters | None = None,
        code: Code | None = None,
    ) -> JobHandle:
        """Submit as `submit` does, without blocking the event loop."""
        return await asyncio.to_thread(
            self.submit, universe, job_id=job_id, parameters=parameters, code=code
        )

    async def map_async(
        self,
        items: Iterable[str],
        parameters: Parameters | None = None,
        *,
        job_id: str | None = None,
        code: Code | None = None,
        return_exceptions: bool = False,
    ) -> AsyncIterator[tuple[str, object]]:
        """Yield as `map` does, without blocking the event loop."""
        results = await asyncio.to_thread(
            self.map,
            items,
            parameters,
            job_id=job_id,
            code=code,
            return_exceptions=return_exceptions,
        )
        end = object()
        while (found := await asyncio.to_thread(next, results, end)) is not end:
            yield found  # type: ignore[misc]  # not the end

    # Building

    def plan(self) -> Plan:
        """Return what `up` would change, and why; errors of reading are raised as RunFailed."""
        return _read(open_to_build(self.target, None, None))

    def up(
        self,
        *,
        api_mode: str | None = None,
        auth: str | None = None,
        rebuild: bool = False,
        agree: Collection[Consequence] = (),
        on_step: OnStep = ignore,
    ) -> Deployment:
        """Build the application, or bring it up to date; return what was done.

        `agree` is to what would be asked: `adopt`, to taking over a stack that no state here knows;
        `downgrade`, to going on where a newer batchctl built it last; `loosen`, to what
        lets more in than today; `lose_data`, to replacing what holds data; `end_jobs`, to ending
        jobs that run. NeedsAgreement names what wasn't agreed to, and then nothing was changed.
        RunFailed when a step fails.
        """
        application = dataclasses.replace(
            open_to_build(self.target, api_mode, auth), rebuild=rebuild
        )
        with application.locked():
            if "downgrade" not in agree:
                require_no_downgrade(application)
            made = _read(application)
            require_allowed(application, made)
            if (found := takeover_of(application, made)) and "adopt" not in agree:
                raise NeedsAgreement("adopt", [str(found)])
            change = application.front_door_change(made)
            loosened = () if change.is_local else change.needing_an_answer
            _require_agreement(made, agree, loosened)
            events, emit = _collected(on_step)
            outcome = application.up(made, emit)
        return self._deployment(outcome, events)

    def down(
        self,
        *,
        delete_data: bool = False,
        agree: Collection[Consequence] = (),
        on_step: OnStep = ignore,
    ) -> Deployment:
        """Delete the application but for jobs that are kept; `delete_data` deletes those, too.

        `agree` to `end_jobs` where jobs run: NeedsAgreement names them, and then nothing was
        changed. RunFailed when a step fails.
        """
        application = open_to_delete(self.target)
        with application.locked():
            made = application.plan_down(delete_data=delete_data)
            if not made.outcome.complete:
                raise RunFailed(made.outcome)
            _require_agreement(made, {*agree, "lose_data"})
            events, emit = _collected(on_step)
            outcome, _ = application.down(made, emit)
        return self._deployment(outcome, events)

    def status(self) -> Status:
        """Return what is deployed, its drift, and how full the queues are."""
        application = as_deployed(open_to_compare(self.target))
        return application.status(_read(application, shows_rest=True))

    def _deployment(self, outcome: WalkOutcome, events: list[Event]) -> Deployment:
        vars(self).pop("_application", None)
        vars(self).pop("_client", None)
        if not outcome.complete:
            raise RunFailed(outcome)
        return Deployment(tuple(events), self._application.front_door.url)

    @cached_property
    def _application(self) -> Application:
        return open_application(self.target)

    @cached_property
    def _client(self) -> JobsClient:
        return self._application.jobs()

    def _repr_html_(self) -> str:
        return f"<code>{self!r}</code>"


def open_app(
    config: str | Path = "config.yaml",
    *,
    local: bool = False,
    profile: str | None = None,
    region: str | None = None,
) -> App:
    """Return the application of a config.yaml, in the account or (`local`) on this machine.

    `profile` and `region` override what AWS's own tools find. Nothing is called yet; UsageError
    when the configuration can't be read.
    """
    app = App(Target(Path(config), local, profile, region))
    app._application  # noqa: B018, SLF001 - what is wrong with the configuration is said at once
    return app


def map_items(  # noqa: PLR0913 - all but the first two are named, and few are used at once
    function: Callable[..., object],
    items: Iterable[str],
    parameters: Parameters | None = None,
    *,
    setup: Callable[[dict[str, object]], object] | None = None,
    requirements: Sequence[str] = (),
    job_id: str | None = None,
    return_exceptions: bool = False,
    config: str | Path = "config.yaml",
    local: bool = False,
    profile: str | None = None,
    region: str | None = None,
) -> Iterator[tuple[str, object]]:
    """Yield each item with what a function of this script or notebook returns for it.

    `batchctl.map`: as `App.map` of the application of `config`, with `code=Function(function,
    setup, requirements)`. The function is called as `function(item)`, `function(item, parameters)`
    or, with a `setup(parameters)`, `function(item, parameters, context)`.
    """
    app = open_app(config, local=local, profile=profile, region=region)
    code = Function(function, setup, requirements)
    return app.map(items, parameters, job_id=job_id, code=code, return_exceptions=return_exceptions)


def _values(results: Iterator[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """Yield what the function has returned, where that is no dict."""
    for item, result in results:
        yield item, result[VALUE] if isinstance(result, dict) and set(result) == {VALUE} else result


def _read(application: BuildableApplication, *, shows_rest: bool = False) -> Plan:
    made = application.plan(shows_rest=shows_rest)
    if not made.outcome.complete:
        raise RunFailed(made.outcome)
    return made


def _require_agreement(made: Plan, agreed: Collection[str], loosened: tuple[str, ...] = ()) -> None:
    """Raise NeedsAgreement for the first kind of consequence that wasn't agreed to."""
    found = {
        "loosen": loosened,
        "lose_data": [
            f"{each.address} holds {each.loses_data}" for each in made.changes if each.loses_data
        ],
        "end_jobs": [f"{each.ends} in {each.address}" for each in made.changes if each.ends],
    }
    for name, consequences in found.items():
        if consequences and name not in agreed:
            raise NeedsAgreement(name, consequences)


def _collected(on_step: OnStep) -> tuple[list[Event], Callable[[Event], None]]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        on_step(event)

    return events, emit
