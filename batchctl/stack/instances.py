"""The machines of the compute environments: how they are launched, and what their role allows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from batchctl.config import Config
from batchctl.resources.ec2.launch_templates import LaunchTemplate
from batchctl.resources.iam.profiles import InstanceProfile
from batchctl.resources.iam.roles import Allow, ArnOf, InAccount, Role, When

# Amazon ECS developer guide, "Amazon ECS-optimized Linux AMIs": Amazon Linux 2023 has one volume,
# /dev/xvda, of 30 GiB.
ROOT_DEVICE = "/dev/xvda"
ROOT_VOLUME_GIB = 30

# Containers of AWS Batch have the network of their host (AWS Batch User Guide, "Networking modes"),
# so that neither the hop limit nor the agent's own settings keep them from the metadata service and
# the credentials of the instance. The kernel does, by the uid: the ECS agent, Docker and the
# system's services run as root. The credentials of the job role come from another address,
# 169.254.170.2. Source of the rule: EC2 user guide, "Limit access to the Instance Metadata
# Service"; of the part's type, which runs at each start before Docker: cloud-init, "User data
# formats". What can't be closed is said in /var/log/cloud-init-output.log.
BOOT_HOOK = """\
#cloud-boothook
#!/bin/bash
# Only root may ask the instance metadata service: a job's container must not get the credentials
# of the instance. Written by batchctl.
close() {
    local rule=(OUTPUT --destination "$2" --match owner ! --uid-owner 0 --jump REJECT)
    "$1" --wait --check "${rule[@]}" 2>/dev/null || "$1" --wait --insert "${rule[@]}"
}
failed=0
close iptables 169.254.169.254/32 || failed=1
# Without IPv6 in the kernel there is nothing to close.
if [ -e /proc/net/if_inet6 ]; then close ip6tables fd00:ec2::254/128 || failed=1; fi
[ "$failed" = 0 ] || echo 'batchctl: could not close the instance metadata service to jobs' >&2
exit "$failed"
"""
_BOUNDARY = "==batchctl=="
USER_DATA = f"""\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="{_BOUNDARY}"

--{_BOUNDARY}
Content-Type: text/cloud-boothook; charset="us-ascii"

{BOOT_HOOK}
--{_BOUNDARY}--
"""

# Amazon ECR user guide, "Private registries": how images of a private repository are named, also
# on dual-stack endpoints.
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.(?:aws|amazonwebservices\.com\.cn))/(?P<repository>[^:@]+)"
)


def build_launch_template(config: Config) -> LaunchTemplate:
    """Return how the instances of every compute environment are launched."""
    return LaunchTemplate(
        label="compute",
        name=f"{config.name}-compute",
        root_device=ROOT_DEVICE,
        root_volume_gib=ROOT_VOLUME_GIB,
        user_data=USER_DATA,
    )


@dataclass(frozen=True)
class Used:
    """What instances work with, by name: compute environments, log group, image.

    `repository` is the stack's own; None where `image` is named in config.yaml. The role knows them
    by name as it is there before them, and goes after them: nobody has to wait for anybody.
    """

    environments: tuple[str, ...]
    log_group: str
    repository: str | None
    image: str | None


def build_instance_profile(config: Config, used: Used) -> InstanceProfile:
    """Return the profile of the instances of the compute environments.

    It is in place of AWS's managed policy AmazonEC2ContainerServiceforEC2Role (version 10), which
    allows nearly the same on every cluster, repository and log group of the account. Left out is
    `ecs:CreateCluster`: AWS Batch makes the clusters.
    """
    role = Role(
        label="instance",
        name=f"{config.name}-instance",
        permissions_boundary=config.iam.permissions_boundary,
        path=config.iam.path,
        trusts="ec2",
        allows=(
            *_agent_permissions(used.environments),
            *_pull_permissions(used),
            # Docker's log driver writes the containers' logs as the instance.
            Allow(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                on=(InAccount("logs", f"log-group:{used.log_group}:*"),),
            ),
        ),
    )
    return InstanceProfile(
        label="instance", name=f"{config.name}-instance", role=role, path=config.iam.path
    )


def _agent_permissions(environments: tuple[str, ...]) -> tuple[Allow, ...]:
    """Return what the ECS agent does, in the clusters of these compute environments alone.

    Sources: Amazon ECS developer guide, "Amazon ECS container instance IAM role"; Service
    Authorization Reference, "Actions, resources, and condition keys for Amazon Elastic Container
    Service". An instance's own ARN has its cluster's name only in the newer of two forms, so where
    it is the resource, the condition names the cluster.
    """
    names = tuple(name for each in environments for name in _cluster_names(each))
    clusters = tuple(InAccount("ecs", f"cluster/{name}") for name in names)
    instances = (InAccount("ecs", "container-instance/*"),)
    of_ours = When("ArnLike", "ecs:cluster", clusters)
    return (
        Allow(
            sid="RegisterAndReport",
            actions=(
                "ecs:DeregisterContainerInstance",
                "ecs:RegisterContainerInstance",
                "ecs:SubmitAttachmentStateChanges",
                "ecs:SubmitContainerStateChange",
                "ecs:SubmitTaskStateChange",
            ),
            on=clusters,
        ),
        Allow(
            sid="TakeTasks",
            actions=(
                "ecs:Poll",
                "ecs:StartTelemetrySession",
                # An instance that Spot reclaims drains itself.
                "ecs:UpdateContainerInstancesState",
            ),
            on=instances,
            when=(of_ours,),
        ),
        Allow(
            sid="TagItself",
            actions=("ecs:TagResource",),
            on=instances,
            when=(When("StringEquals", "ecs:CreateAction", ("RegisterContainerInstance",)),),
        ),
        Allow(
            sid="ReadTags",
            actions=("ecs:ListTagsForResource",),
            on=tuple(
                InAccount("ecs", f"{kind}/{name}/*")
                for kind in ("container-instance", "task")
                for name in names
            ),
        ),
        # These know no resources (as above, and the same of Amazon EC2).
        Allow(sid="FindEcs", actions=("ec2:DescribeTags", "ecs:DiscoverPollEndpoint"), on=("*",)),
    )


def _cluster_names(environment: str) -> Iterator[str]:
    """Yield patterns for the name of the ECS cluster that AWS Batch makes for an environment.

    It is documented nowhere. Seen in accounts: `AWSBatch-NAME-UUID` with the service-linked role,
    `NAME_Batch_UUID` before and beside it. A successor of the environment has another number at
    the end of its name.
    """
    yield f"AWSBatch-{environment}-*"
    yield f"{environment}_Batch_*"
    yield f"{environment}-*_Batch_*"


def _pull_permissions(used: Used) -> tuple[Allow, ...]:
    """Return what pulling the image takes: nothing where it comes from no private ECR registry.

    Source: Amazon ECR user guide, "Private repository policies".
    """
    repository = _repository_of(used)
    if repository is None:
        return ()
    actions = (
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    )
    return (
        # It knows no resources (Service Authorization Reference, Amazon ECR).
        Allow(sid="LogInToEcr", actions=("ecr:GetAuthorizationToken",), on=("*",)),
        Allow(sid="PullTheImage", actions=actions, on=(repository,)),
    )


def _repository_of(used: Used) -> InAccount | ArnOf | None:
    if used.repository is not None:
        return InAccount("ecr", f"repository/{used.repository}")
    found = _ECR_IMAGE.match(used.image or "")
    if found is None:
        return None
    return ArnOf(f"ecr:{found['region']}:{found['account']}:repository/{found['repository']}")
