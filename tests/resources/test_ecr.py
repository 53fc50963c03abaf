"""The image and its repository: what is built, what is found, what stays and what goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers import alter, sent
from default_vpc import make_default_vpc_public
from engine_runs import down, outputs, plan, step_of, up
from examples_batch import definition, queue
from examples_ecr import image, repository
from fake_recipe import FakeRecipe, put_image
from faults import calls_of, fail
from verbs import make

from batchctl.aws.session import Aws
from batchctl.engine.apply import apply
from batchctl.engine.events import Event, Waiting
from batchctl.engine.plan import Action, make_plan
from batchctl.engine.state import StateFile, StateIdentity
from batchctl.errors import BatchctlError
from batchctl.image.failures import TagTaken
from batchctl.image.recipe import Registry
from batchctl.image.running import Watch
from batchctl.resource import Deployed, Output
from batchctl.resources.ecr.images import Image, registry_password
from batchctl.resources.logs import LogGroup
from batchctl.stack import in_order

URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/batchapp-compute"


@pytest.fixture
def ecr(aws: Aws) -> Any:
    """ECR as boto3 shows it: the witness."""
    return aws.connection.session.client("ecr")


@pytest.fixture
def batch(aws: Aws) -> Any:
    """Batch as boto3 shows it."""
    return aws.connection.session.client("batch")


@pytest.fixture
def public_default_vpc(aws: Aws) -> None:
    """The default VPC as AWS makes it, for a job queue's compute environments."""
    make_default_vpc_public(aws.connection.client("ec2"))


def made_of(contents: str, *, rebuilt: str | None = None, keep: int = 5) -> Image:
    return dataclasses.replace(image, recipe=FakeRecipe(contents, rebuilt), keep=keep)


def running(made: Image, *, keep: int = 5) -> Any:
    """The job definition that runs an image."""
    return dataclasses.replace(definition, image=Output(made, "uri"), keep=keep)


def tags_in(ecr: Any) -> set[str]:
    found = ecr.describe_images(repositoryName="batchapp-compute")["imageDetails"]
    return {tag for each in found for tag in each["imageTags"]}


def revisions(batch: Any) -> set[int]:
    found = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return {each["revision"] for each in found}


def each_later_than_the_one_before(aws: Aws) -> None:
    """Let ECR say that each image was pushed later: moto's clock has seconds only."""
    order: list[str] = []

    def number(answer: Any) -> None:
        for each in answer["imageDetails"]:
            if each["imageDigest"] not in order:
                order.append(each["imageDigest"])
            each["imagePushedAt"] = f"{order.index(each['imageDigest']):04}"

    alter(aws, "ecr.DescribeImages", number)


def test_a_repository_scans_what_is_pushed_and_never_moves_a_tag(
    aws: Aws, ecr: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, repository), repository)
    (found,) = ecr.describe_repositories()["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}


def test_a_repository_whose_policy_was_not_set_yet_gets_it_from_the_next_run(
    aws: Aws, ecr: Any, tmp_path: Path
) -> None:
    fail(aws, "ecr.PutLifecyclePolicy", "ServerException")
    assert repository.address in up(aws, tmp_path, repository).outcome.failed
    outputs(up(aws, tmp_path, repository), repository)
    assert ecr.get_lifecycle_policy(repositoryName="batchapp-compute")


def test_the_image_is_known_by_its_digest(aws: Aws, ecr: Any, tmp_path: Path) -> None:
    made = outputs(up(aws, tmp_path, image), image)
    (found,) = ecr.describe_images(repositoryName="batchapp-compute")["imageDetails"]
    assert made.uri == f"{URI}@{found['imageDigest']}"
    assert made.id == "0a1b2c3d4e5f"


def test_with_the_local_cloud_that_is_the_registry(aws: Aws) -> None:
    """Its answers name hosts of AWS's, as any emulator's do."""
    aws.connection.client("ecr")
    here = dataclasses.replace(aws.connection, endpoint_url="http://127.0.0.1:4566")
    local = Aws(here, stack="batchapp", tags={}, clock=aws.clock)
    made: Any = make(repository, Deployed(local))
    assert made.uri == "127.0.0.1:4566/batchapp-compute"


def test_the_password_is_the_users_part_of_the_token(aws: Aws) -> None:
    assert registry_password(aws) == "123456789012-auth-token"


def test_the_same_contents_build_and_push_nothing(aws: Aws, tmp_path: Path) -> None:
    up(aws, tmp_path, image)
    calls = calls_of(aws, "ecr")
    step = step_of(plan(aws, tmp_path, image), image)
    assert (step.action, step.remark) == (Action.NO_OP, "unchanged")
    up(aws, tmp_path, image)
    assert {each for each in calls if not each.startswith(("Describe", "List", "Get"))} == set()


def test_other_contents_are_one_push_and_one_revision_that_the_plan_shows(
    aws: Aws, ecr: Any, batch: Any, tmp_path: Path
) -> None:
    up(aws, tmp_path, running(image))
    changed = running(made_of("5f4e3d2c1b0a"))
    planned = plan(aws, tmp_path, changed).changes
    assert [(step.address, step.action, step.remark) for step in planned] == [
        ("image.compute", Action.UPDATE, "build and push"),
        ("job_definition.compute", Action.UPDATE, ""),
    ]
    assert [each.path for each in planned[1].changes] == ["containerProperties.image"]
    assert not planned[1].changes[0].known
    up(aws, tmp_path, changed)
    assert tags_in(ecr) == {"0a1b2c3d4e5f", "5f4e3d2c1b0a"}
    assert revisions(batch) == {1, 2}
    assert plan(aws, tmp_path, changed).changes == ()


def test_contents_that_were_built_before_are_found_again(
    aws: Aws, ecr: Any, batch: Any, tmp_path: Path
) -> None:
    for contents in ("aa", "bb"):
        up(aws, tmp_path, running(made_of(contents)))
    calls = calls_of(aws, "ecr")
    again = up(aws, tmp_path, running(made_of("aa")))
    assert again.succeeded
    assert "GetAuthorizationToken" not in calls
    assert revisions(batch) == {1, 2, 3}
    assert tags_in(ecr) == {"aa", "bb"}


def test_a_rebuilt_image_is_another_and_stays_the_one_in_use(
    aws: Aws, ecr: Any, batch: Any, tmp_path: Path
) -> None:
    up(aws, tmp_path, running(made_of("aa")))
    rebuilt = running(made_of("aa", rebuilt="20261124T003252Z"))
    step = step_of(plan(aws, tmp_path, rebuilt), image)
    assert (step.action, step.remark) == (Action.UPDATE, "build and push")
    up(aws, tmp_path, rebuilt)
    assert tags_in(ecr) == {"aa", "aa-20261124T003252Z"}
    assert revisions(batch) == {1, 2}
    assert plan(aws, tmp_path, running(made_of("aa"))).changes == ()
    up(aws, tmp_path, running(made_of("aa", rebuilt="20270101T000000Z")))
    assert "aa-20270101T000000Z" in tags_in(ecr)


class TooLate(FakeRecipe):
    """A recipe of which another machine pushes the same image first."""

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        put_image(registry.uri, tag)
        super().push_to(registry, tag, watch)


class Refused(FakeRecipe):
    """A recipe that says that its tag is taken, where it isn't."""

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        raise TagTaken("could not push")


def test_what_another_machine_pushed_meanwhile_is_taken(aws: Aws, tmp_path: Path) -> None:
    made = dataclasses.replace(image, recipe=TooLate())
    assert outputs(up(aws, tmp_path, made), made).uri.startswith(f"{URI}@sha256:")
    unseen = dataclasses.replace(image, recipe=Refused("ff"))
    assert isinstance(up(aws, tmp_path, unseen).outcome.failed[image.address], TagTaken)


def test_a_pushed_image_can_take_some_seconds_to_be_visible(aws: Aws, tmp_path: Path) -> None:
    hide: Callable[[Any], None] = lambda answer: answer.update(imageDetails=[])  # noqa: E731 - one line
    alter(aws, "ecr.DescribeImages", hide, times=3)
    assert up(aws, tmp_path, image).succeeded
    assert aws.clock.now() > 0


class Broken(FakeRecipe):
    """A recipe whose image can't be built."""

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        raise BatchctlError("could not build")


def test_an_image_that_fails_holds_up_its_job_definition_alone(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    broken = dataclasses.replace(image, recipe=Broken())
    elsewhere = LogGroup(label="other", name="/other", retention_days=7)
    result = up(aws, tmp_path, running(broken), elsewhere)
    assert set(result.outcome.failed) == {"image.compute"}
    assert result.outcome.skipped == {"job_definition.compute": "image.compute"}
    assert revisions(batch) == set()
    assert aws.logs.describe_log_groups(logGroupNamePrefix="/other")["logGroups"]
    assert up(aws, tmp_path, running(image), elsewhere).succeeded


def test_what_the_builder_says_is_what_the_image_waits_for(aws: Aws, tmp_path: Path) -> None:
    state = StateFile.load(
        tmp_path / "state.json", StateIdentity(aws.stack, aws.account, aws.region)
    )
    events: list[Event] = []
    stack = in_order([image])
    apply(stack, make_plan(stack, state.state, aws), state, aws, events.append)
    waits = [event.what for event in events if isinstance(event, Waiting)]
    assert "pushing 0a1b2c3d4e5f" in waits


def test_old_images_go_but_the_last_and_those_in_use(
    aws: Aws, ecr: Any, batch: Any, tmp_path: Path
) -> None:
    each_later_than_the_one_before(aws)
    up(aws, tmp_path, running(made_of("a0", keep=2)))
    batch.register_job_definition(
        jobDefinitionName="by-hand",
        type="container",
        containerProperties={
            "image": outputs(up(aws, tmp_path, made_of("a1", keep=2)), image).uri,
            "vcpus": 1,
            "memory": 64,
        },
    )
    for number in range(2, 6):
        assert up(aws, tmp_path, made_of(f"a{number}", keep=2)).succeeded
    # The stack's own definition went with the image that it ran.
    assert tags_in(ecr) == {"a1", "a4", "a5"}


def test_an_image_that_was_built_long_ago_and_is_wanted_again_stays(
    aws: Aws, ecr: Any, tmp_path: Path
) -> None:
    each_later_than_the_one_before(aws)
    for contents in ("a0", "a1", "a2"):
        up(aws, tmp_path, made_of(contents, keep=3))
    up(aws, tmp_path, made_of("a0", keep=3))
    up(aws, tmp_path, made_of("a0", rebuilt="20261124T003252Z", keep=1))
    assert tags_in(ecr) == {"a0-20261124T003252Z"}


def test_down_deletes_the_repository_with_all_images_and_says_so(
    aws: Aws, ecr: Any, tmp_path: Path
) -> None:
    for contents in ("a0", "a1"):
        up(aws, tmp_path, made_of(contents))
    assert not down(aws, tmp_path).failed
    assert ecr.describe_repositories()["repositories"] == []


@pytest.mark.usefixtures("public_default_vpc")
def test_revisions_go_but_the_last_and_those_that_unfinished_jobs_were_made_from(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    changed = [dataclasses.replace(definition, timeout_s=60 + n, keep=2) for n in range(5)]
    up(aws, tmp_path, changed[0], queue)
    at_work(aws, revision=1)
    for each in changed[1:]:
        assert up(aws, tmp_path, each, queue).succeeded
    assert revisions(batch) == {1, 4, 5}


def at_work(aws: Aws, *, revision: int, after: int = 0, times: int | None = None) -> None:
    """Let Batch list a job that was made from a revision, `after` lists without it."""
    arn = f"arn:aws:batch:us-east-1:123456789012:job-definition/batchapp-compute:{revision}"
    job = {"jobId": "1", "jobName": "demo", "jobDefinition": arn, "status": "RUNNING"}
    change: Callable[[Any], None] = lambda answer: answer.update(jobSummaryList=[job])  # noqa: E731 - one line
    alter(aws, "batch.ListJobs", change, after=after, times=times)


@pytest.mark.usefixtures("public_default_vpc")
def test_a_job_that_is_tried_again_while_the_jobs_are_listed_keeps_its_revision(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    up(aws, tmp_path, definition, queue)
    # RUNNING when those that are RUNNABLE are asked for, RUNNABLE when those that are RUNNING are;
    # with more jobs than one listing of all of them has.
    listed = sent(aws, "batch.ListJobs")
    alter(aws, "batch.ListJobs", lambda answer: answer.update(nextToken="more"), times=1)
    at_work(aws, revision=1, after=6, times=1)
    changed = dataclasses.replace(definition, timeout_s=61, keep=1)
    assert up(aws, tmp_path, changed, queue).succeeded
    assert revisions(batch) == {1, 2}
    statuses = [parameters.get("jobStatus") for _, parameters in listed]
    assert statuses.index("RUNNING") < 6 == len(statuses) - 1
    assert statuses[-1] == "RUNNABLE"


def test_while_there_are_few_revisions_no_jobs_are_listed(aws: Aws, tmp_path: Path) -> None:
    listed = sent(aws, "batch.ListJobs")
    for timeout_s in (60, 61):
        up(aws, tmp_path, dataclasses.replace(definition, timeout_s=timeout_s, keep=2))
    assert listed == []


@pytest.mark.usefixtures("public_default_vpc")
def test_a_queue_that_goes_meanwhile_has_no_jobs_in_the_way(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    fail(aws, "batch.ListJobs", "ClientException", "Job queue x does not exist", times=99)
    for timeout_s in (60, 61):
        changed = dataclasses.replace(definition, timeout_s=timeout_s, keep=1)
        assert up(aws, tmp_path, changed, queue).succeeded
    assert revisions(batch) == {2}
