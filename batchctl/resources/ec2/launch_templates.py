"""EC2: launch templates, by which AWS Batch launches the instances of an environment.

Sources: AWS Batch User Guide, "Use Amazon EC2 launch templates with AWS Batch"; AWS Batch API
Reference, LaunchTemplateSpecification; EC2 API Reference, CreateLaunchTemplateVersion.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_dict, as_list
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Outputs,
    Properties,
    Resource,
    require_owned,
)
from batchctl.resource.grants import OURS, Grant, made_by

# EC2 API Reference, "Eventual consistency", names no time.
VISIBLE_WITHIN_S = 120


TEMPLATES = ("launch-template/*",)


@dataclass(frozen=True)
class LaunchTemplateOutputs(Outputs):
    """The id is the template's, `version` the number of the version that is ours."""

    version: str


@dataclass(frozen=True, kw_only=True)
class LaunchTemplate(Resource[LaunchTemplateOutputs]):
    """How instances are launched: IMDSv2 alone, an encrypted root volume, and what they run first.

    A version can't be changed: a change is another version. What uses the template names a version
    by its number, so one that other hands add means nothing. AWS Batch reads `$Latest` and
    `$Default` once, when it makes or replaces its instances, so that neither would show that the
    instances are of an older version.

    `user_data` is a MIME multi-part text: AWS Batch refuses any other, and adds its own part to it.
    Volumes get their tags here. Instances get theirs from the compute environment, with which Batch
    merges a template's.
    """

    root_device: str
    root_volume_gib: int
    user_data: str

    kind: ClassVar[str] = "launch_template"
    group: ClassVar[Group | None] = Group.COMPUTE
    outputs: ClassVar[type[LaunchTemplateOutputs]] = LaunchTemplateOutputs
    identity: ClassVar[tuple[str, ...]] = ("LaunchTemplateName",)
    changes_outputs: ClassVar[tuple[str, ...]] = ("LaunchTemplateData",)
    calls_to_read: ClassVar[int] = 2
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "ec2", "DescribeLaunchTemplates DescribeLaunchTemplateVersions"),
        Grant("up", "ec2", "CreateLaunchTemplate", TEMPLATES),
        Grant("up", "ec2", "CreateTags", TEMPLATES, made_by("CreateLaunchTemplate")),
        Grant("up", "ec2", "CreateLaunchTemplateVersion CreateTags DeleteTags", TEMPLATES, OURS),
        Grant("down", "ec2", "DeleteLaunchTemplate", TEMPLATES, OURS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return LaunchTemplateName and LaunchTemplateData, its user data as plain text."""
        root_volume = {
            "DeleteOnTermination": True,
            "Encrypted": True,
            "VolumeSize": self.root_volume_gib,
            "VolumeType": "gp3",
        }
        return {
            "LaunchTemplateName": self.physical_name,
            "LaunchTemplateData": {
                "MetadataOptions": {
                    "HttpEndpoint": "enabled",
                    "HttpPutResponseHopLimit": 1,
                    "HttpTokens": "required",
                },
                "BlockDeviceMappings": [{"DeviceName": self.root_device, "Ebs": root_volume}],
                "TagSpecifications": {"volume": Document(deployed.aws.instance_tags)},
                "UserData": self.user_data,
            },
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: LaunchTemplateOutputs | None, desired: Properties
    ) -> Actual[LaunchTemplateOutputs] | None:
        """Find the template by id, else by name; None when absent.

        Its version is the recorded one, and the latest where that is gone or none is recorded.
        """
        template = _template(aws, recorded, desired)
        if template is None:
            return None
        name = str(template["LaunchTemplateName"])
        tags = as_dict(template.get("Tags"))
        require_owned(aws, f"launch template `{name}`", tags)
        template_id = str(template["LaunchTemplateId"])
        version = _version(aws, template_id, recorded.version) if recorded else None
        version = version or _version(aws, template_id, "$Latest")
        if version is None:
            return None
        properties = {
            "LaunchTemplateName": name,
            "LaunchTemplateData": _data(version["LaunchTemplateData"]),
        }
        outputs = _outputs(aws, version["LaunchTemplateId"], version["VersionNumber"])
        return Actual(outputs, properties, tags)

    def create(self, aws: Aws, desired: Properties) -> LaunchTemplateOutputs:
        """Make the template with its first version and wait until EC2 shows it."""
        tags: Any = as_list(aws.tags)
        answer = aws.ec2.create_launch_template(
            LaunchTemplateName=desired["LaunchTemplateName"],
            LaunchTemplateData=_request(desired["LaunchTemplateData"]),
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
        )
        found = answer["LaunchTemplate"]
        outputs = _outputs(aws, found["LaunchTemplateId"], found["LatestVersionNumber"])
        _wait_until_shown(aws, outputs)
        return outputs

    def update(
        self,
        aws: Aws,
        actual: Actual[LaunchTemplateOutputs],
        desired: Properties,
        changed: Properties,
    ) -> LaunchTemplateOutputs:
        """Add a version; the older ones stay, as instances may have been launched from them."""
        del changed
        answer = aws.ec2.create_launch_template_version(
            LaunchTemplateId=actual.outputs.id,
            LaunchTemplateData=_request(desired["LaunchTemplateData"]),
        )
        number = answer["LaunchTemplateVersion"]["VersionNumber"]
        outputs = _outputs(aws, actual.outputs.id, number)
        _wait_until_shown(aws, outputs)
        return outputs

    def write_tags(
        self,
        aws: Aws,
        outputs: LaunchTemplateOutputs,
        tags: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Set and remove tags of the template; those of volumes are a property."""
        tag_list: Any = as_list(tags)
        aws.ec2.create_tags(Resources=[outputs.id], Tags=tag_list)
        if removed:
            aws.ec2.delete_tags(Resources=[outputs.id], Tags=[{"Key": key} for key in removed])

    @classmethod
    def tags_of(cls, aws: Aws, recorded: LaunchTemplateOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        template = _template(aws, recorded, {})
        return None if template is None else as_dict(template.get("Tags"))

    @classmethod
    def delete(cls, aws: Aws, recorded: LaunchTemplateOutputs) -> None:
        """Delete the template with all its versions; instances that run are not touched."""
        with ignore_missing():
            aws.ec2.delete_launch_template(LaunchTemplateId=recorded.id)


def _template(
    aws: Aws, recorded: LaunchTemplateOutputs | None, desired: Properties
) -> Mapping[str, Any] | None:
    with ignore_missing():
        if recorded:
            answer = aws.ec2.describe_launch_templates(LaunchTemplateIds=[recorded.id])
        else:
            names = [str(desired["LaunchTemplateName"])]
            answer = aws.ec2.describe_launch_templates(LaunchTemplateNames=names)
        return next(iter(answer["LaunchTemplates"]), None)
    return None


def _version(aws: Aws, template_id: str, version: str) -> Mapping[str, Any] | None:
    with ignore_missing():
        answer = aws.ec2.describe_launch_template_versions(
            LaunchTemplateId=template_id, Versions=[version]
        )
        return next(iter(answer["LaunchTemplateVersions"]), None)
    return None


def _wait_until_shown(aws: Aws, outputs: LaunchTemplateOutputs) -> None:
    """Wait until EC2 shows this version to every caller, as AWS Batch is about to read it."""
    aws.wait_until(
        f"EC2 to show version {outputs.version} of launch template `{outputs.id}`",
        lambda: _version(aws, outputs.id, outputs.version),
        timeout_s=VISIBLE_WITHIN_S,
    )


def _outputs(aws: Aws, template_id: str, version: int) -> LaunchTemplateOutputs:
    arn = aws.arn("ec2", f"launch-template/{template_id}")
    return LaunchTemplateOutputs(id=template_id, arn=arn, version=str(version))


def _request(data: Properties) -> Any:
    """Return LaunchTemplateData as EC2 takes it."""
    return {
        **data,
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": as_list(tags)}
            for kind, tags in data["TagSpecifications"].items()
        ],
        "UserData": base64.b64encode(data["UserData"].encode()).decode(),
    }


def _data(found: Mapping[str, Any]) -> Properties:
    """Return EC2's LaunchTemplateData in our spelling."""
    tags = {
        each["ResourceType"]: Document(as_dict(each.get("Tags")))
        for each in found.get("TagSpecifications", ())
    }
    user_data = base64.b64decode(found.get("UserData", "")).decode(errors="replace")
    return {**found, "TagSpecifications": tags, "UserData": user_data}
