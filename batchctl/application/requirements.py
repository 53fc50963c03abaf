"""What has to be so before `up` carries out a plan, and what it asks about beside the plan."""

from __future__ import annotations

from batchctl import __version__
from batchctl.application.building import BuildableApplication
from batchctl.application.image import is_sample
from batchctl.application.plan_file import PlanFile, steps_of
from batchctl.application.protection import require_nothing_guarded
from batchctl.application.serials import require_current, tags_of_tracker
from batchctl.application.takeover import Takeover, refuse_sample
from batchctl.engine.origin import adopted, origin_found
from batchctl.engine.plan import Plan
from batchctl.errors import UsageError
from batchctl.versions import is_older_than


def newer_version(application: BuildableApplication) -> str | None:
    """Return the batchctl that built what is deployed, where that is newer than this one."""
    version = application.deployed.version if application.deployed else None
    return version if version and is_older_than(version) else None


def require_no_downgrade(application: BuildableApplication) -> None:
    """Raise UsageError where a newer batchctl built what is deployed."""
    if version := newer_version(application):
        raise UsageError(
            f"could not go on with batchctl {__version__}: `{application.config.name}` was built "
            f"by {version}, and its functions would be downgraded",
            hint=f"install batchctl {version} or newer, or run `batchctl up --downgrade`",
        )


def require_allowed(application: BuildableApplication, plan: Plan) -> None:
    """Raise where `up` may not carry out the plan, whatever anybody agrees to.

    StateError for a shared state that is older than the stack. UsageError where, over code that is
    deployed, the packaged sample would go, or where, in a protected stack, what keeps jobs or what
    callers reach would be replaced.
    """
    target, config = application.target, application.config
    require_current(application.state, tags_of_tracker(plan))
    require_nothing_guarded(plan, application.deployed, protect=config.protect)
    if not target.local and is_sample(target, config):
        refuse_sample(plan, application.state.state, target.folder / config.compute.build)


def plan_file_of(application: BuildableApplication, plan: Plan) -> PlanFile:
    """Return a plan as the file has it."""
    config, aws = application.config, application.aws
    return PlanFile(
        stack=config.name,
        account=aws.account,
        region=aws.region,
        origin=aws.origin,
        api_mode=config.api.mode,
        api_auth=config.api.auth,
        steps=steps_of(plan),
    )


def takeover_of(application: BuildableApplication, plan: Plan) -> Takeover | None:
    """Return whose stack the plan takes over, as no state here knows it; None where it is ours.

    Nor is anything taken over in a local cloud, which is its folder's.
    """
    resources = len(adopted(plan))
    if application.target.local or not resources or application.state.state.is_used:
        return None
    version = application.found.state.version if application.found else None
    return Takeover(application.config.name, resources, origin_found(plan), version)
