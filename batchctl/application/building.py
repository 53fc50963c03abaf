"""Building one application in one place: what it is made of, and what `up` and `down` do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar

from batchctl import __version__, stack
from batchctl.application.application import Application
from batchctl.application.cost.price_list import known_prices, refresh
from batchctl.application.cost.standing import StandingCost, standing_cost
from batchctl.application.front_door_change import (
    FrontDoorChange,
    agreed_door,
    loosened,
    refuse_silent_change,
)
from batchctl.application.health import unhealthy_endpoint, unhealthy_resources
from batchctl.application.image import (
    FolderNotice,
    contents_of,
    folder_notice,
    image_of,
    secrets_of,
)
from batchctl.application.image_contents import bill_of_image, layers_to_push, newer_base
from batchctl.application.job_resources import QUEUE as JOBS_QUEUE
from batchctl.application.leave import require_known
from batchctl.application.local_cloud import machine_vcpus, prepare_tasks, take_picture
from batchctl.application.local_doors import refuse_taken_door, with_api_port
from batchctl.application.protection import no_longer_protected, require_unprotected
from batchctl.application.run_log import logged
from batchctl.application.serials import (
    begin_after,
    mark_serial,
    read_tags_of_tracker,
    require_current,
    tags_of_tracker,
)
from batchctl.application.status import Status, status_of
from batchctl.application.upgrade import earlier_containers
from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import ignore_refused
from batchctl.config import Config
from batchctl.engine.apply import apply
from batchctl.engine.destroy import Remaining, destroy, plan_destroy, remaining_after
from batchctl.engine.events import Emit
from batchctl.engine.events import ignore as ignore_steps
from batchctl.engine.lock import Held
from batchctl.engine.origin import new_origin, plan_of_origin
from batchctl.engine.plan import OnWait, Plan, ignore_waits
from batchctl.engine.records import record_found
from batchctl.engine.walk import WalkOutcome
from batchctl.image.layer_changes import LayerChanges
from batchctl.image.recipe import Recipe, Secrets
from batchctl.packaging import function_package
from batchctl.resource import Resource
from batchctl.resources.sqs import depth
from batchctl.stack.openness import door_of, front_door_warnings
from batchctl.stack.purposes import purposes_of


@dataclass(frozen=True)
class BuildableApplication(Application):
    """An application that can be built: all that its jobs need, and what it is made of.

    `rebuild`: the image is to be built once more, on the newest base image. `flags` are those of
    `up` that choose the front door, None where one wasn't given.
    """

    rebuild: bool = False
    flags: tuple[str | None, str | None] = (None, None)
    # Of the plan that is to be carried out: what an older version made gets it, and no other.
    planned_origin: str | None = None
    needs_doors_only: ClassVar[bool] = True

    @cached_property
    def stack(self) -> tuple[Resource[Any], ...]:
        """The resources that config.yaml asks for."""
        require_known(self.config.leave)
        return self.stack_of(self._built_config)

    def stack_of(self, config: Config) -> tuple[Resource[Any], ...]:
        """Return the resources that a variant of the configuration asks for."""
        image = self.image  # what is wrong with it is said before anything is asked
        surroundings = stack.Surroundings(
            machine_vcpus=machine_vcpus(self.config) if self.target.local else None,
            earlier_containers=earlier_containers(self.recorded, lambda: self.aws),
        )
        return stack.build(
            config, image=image, package=function_package(), surroundings=surroundings
        )

    @property
    def _built_config(self) -> Config:
        """The configuration with the port that the load balancer really gets."""
        if not self.target.local:
            return self.config
        refuse_taken_door(self.target, self.config, self.states)
        return with_api_port(self.config, self.local_ports.load_balancer)

    @property
    def purposes(self) -> Mapping[str, str]:
        """What each group of resources is, in a few words; nothing without a config.yaml."""
        if self.recorded_only:
            return {}
        return purposes_of(self._built_config, local=self.target.local)

    @cached_property
    def image(self) -> str | Recipe:
        """The container image by name, or what it is built from.

        UsageError when what is not built here is to be rebuilt.
        """
        return image_of(self.target, self.config, rebuild=self.rebuild)

    @property
    def image_secrets(self) -> Secrets | None:
        """What looks like a secret where the image is built from; None when it isn't built."""
        return secrets_of(self.image)

    def layers_to_push(self, plan: Plan) -> LayerChanges | None:
        """Return which layers of the image the plan's push makes; None where it makes none."""
        return layers_to_push(self.image, plan, self.recorded, self.aws)

    def bill_of_image(self) -> dict[str, Any]:
        """Return the bill of materials of the deployed image (CycloneDX); BatchctlError."""
        return bill_of_image(self.recorded, self.aws)

    @property
    def folder_notice(self) -> FolderNotice:
        """What to know of the folder that the image is built from."""
        return folder_notice(self.target, self.config)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the state for the block, which sees what another run wrote before it.

        Locked when another run has it.
        """
        with self.store.locked():
            self.states.forget()
            self._forget("state", "front_door", "found")
            yield

    def require_credentials(self) -> None:
        """Raise LoggedOut without good credentials, so that nothing is begun here.

        Where something is recorded, the plan finds out while it reads.
        """
        aws = self.aws
        if self.recorded is None:
            aws.account  # noqa: B018 - asks for it

    def plan(self, on_wait: OnWait = ignore_waits, *, shows_rest: bool = False) -> Plan:
        """Return what `up` would change and why; errors of reading are in its `outcome`.

        With `shows_rest` what may not be read hides nothing else: such a plan is to be shown alone.
        UsageError when the front door would change without a flag that says so.
        """
        if self.found:
            refuse_silent_change(self.config, self.found.state, *self.flags)
        with self._recorded_account():
            return plan_of_origin(
                self.stack, self.state.state, self.aws, on_wait, self.planned_origin, shows_rest
            )

    def standing_cost(self, plan: Plan) -> StandingCost | None:
        """Return what a month costs while idle, now and after the plan; no call is made.

        None for the local cloud, which costs nothing.
        """
        if self.target.local:
            return None
        return standing_cost(plan, known_prices(), self.aws.region, self.aws.partition.id)

    def refresh_prices(self) -> None:
        """Ask AWS's price list for the prices of the region, unless they are of today.

        It answers for the partition `aws` alone. Raises what asking raises.
        """
        refresh(self.aws.pricing, self.aws.region)

    def front_door_change(self, plan: Plan) -> FrontDoorChange:
        """Return what carrying out the plan makes of the front door."""
        agreed, wanted = agreed_door(self.deployed), door_of(self.config)
        local = self.target.local
        # Nobody but this machine reaches the local cloud.
        warnings = () if local else front_door_warnings(self.config, self.aws.partition.id)
        by_plan = (*plan.loosens, *no_longer_protected(self.deployed, protect=self.config.protect))
        return FrontDoorChange(
            agreed, wanted, loosened(agreed, wanted, by_plan), tuple(warnings), local
        )

    def up(self, plan: Plan, emit: Emit = ignore_steps) -> WalkOutcome:
        """Carry out the plan; the state has what was done, whatever failed. Call it `locked`."""
        if self.target.local:
            prepare_tasks(self.target, self.config, self.on_event)
        if isinstance(self.image, str):
            take_picture(self.target, self.config, self.image)
        door, tags = door_of(self.config), tags_of_tracker(plan)
        begin_after(self.state, tags)
        self.aws.origin = self.aws.origin or new_origin(self.aws)
        self.state.remember_stack(self.aws.origin, __version__, protected=self.config.protect)
        self.state.remember_api(door.mode, door.auth, door.cidrs or (), door.scheme or "")
        self._forget("front_door", "found")
        with self._logged("up", plan, emit) as emit_and_log:
            outcome = apply(self.stack, plan, self.state, self.aws, emit_and_log).outcome
        if outcome.complete:
            self.state.remember_compute(contents_of(self.target, self.config))
            mark_serial(self.state, self.aws, tags)
        return outcome

    def plan_down(self, *, delete_data: bool = False, on_wait: OnWait = ignore_waits) -> Plan:
        """Return what `down` would delete, from the state alone, and what it would keep.

        UsageError for a protected stack.
        """
        require_unprotected(self.state.state, self.config.name)
        with self._recorded_account():
            require_current(self.state, read_tags_of_tracker(self.state, self.aws))
            self.aws.origin = self.state.state.origin
            plan, waiting = concurrently(
                partial(
                    plan_destroy, self.state, self.aws, delete_data=delete_data, on_wait=on_wait
                ),
                self._count_waiting_jobs,
            )
        vars(self)["waiting_jobs"] = waiting
        return plan

    def take_over(self, plan: Plan) -> None:
        """Record here what a plan found in AWS, unchanged, so that `down` knows it."""
        found = self.found.state if self.found else self.state.state
        version = found.version or __version__
        begin_after(self.state, tags_of_tracker(plan))
        self.state.remember_stack(self.aws.origin, version, protected=found.protected)
        record_found(self.stack, plan, self.state, self.aws)
        self._forget("found", "front_door")

    def down(
        self, plan: Plan, emit: Emit = ignore_steps
    ) -> tuple[WalkOutcome, tuple[Remaining, ...]]:
        """Carry out the plan of `plan_down`; return what came of it and what is still there."""
        with self._logged("down", plan, emit) as emit_and_log:
            outcome = destroy(plan, self.state, self.aws, emit_and_log)
        self._forget("front_door")
        return outcome, remaining_after(plan, outcome, self.state)

    def _logged(self, command: str, plan: Plan, emit: Emit) -> AbstractContextManager[Emit]:
        """Log the run in the block, where there is something to do."""
        if not plan.changes:
            return nullcontext(emit)
        folder, who = self.target.state_folder, self.aws.caller
        return logged(folder, self.aws.stack, command, who, emit)

    def status(self, plan: Plan) -> Status:
        """Return what is deployed, its drift by the plan, and what is unhealthy.

        The endpoint is asked for a job, once.
        """
        unhealthy = tuple(self._unhealthy(plan)) if self.state.state.resources else ()
        found = status_of(plan, self.state.state, self.aws, self.front_door, unhealthy)
        found = replace(found, groups={str(name): words for name, words in self.purposes.items()})
        with ignore_refused():
            return replace(found, newer_base=newer_base(self.image, self.recorded, self.aws))
        return found

    def _unhealthy(self, plan: Plan) -> Iterator[str]:
        yield from unhealthy_resources(plan)
        if self.front_door.url and (found := unhealthy_endpoint(self.connection(), self.config)):
            yield found

    def lock_holder(self) -> Held | None:
        """Return what keeps runs out; None when the next one can begin."""
        return self.store.held()

    def unlock(self) -> None:
        """Free the lock of a run that is gone."""
        self.store.free()

    @cached_property
    def waiting_jobs(self) -> int:
        """About how many submitted jobs wait in SQS to be taken by the splitter."""
        return self._count_waiting_jobs()

    def _count_waiting_jobs(self) -> int:
        url = self.state.state.outputs(JOBS_QUEUE).get("url")
        return depth(self.aws, str(url)) if url else 0

    @contextmanager
    def _recorded_account(self) -> Iterator[None]:
        """Read in the block while AWS says whose the credentials are, as the state says it already.

        At its end the two are compared, before anything is changed or shown: raises as `state`
        does for another account.
        """
        recorded = self.recorded
        if recorded is None or "state" in vars(self) or "account" in vars(self.aws):
            yield
            return
        self.aws.presume_account(recorded.identity.account)
        try:
            yield
        finally:
            if not self.aws.confirm_account():
                self._forget("state")
                self.state  # noqa: B018 - raises for the account that it is
