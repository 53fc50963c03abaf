"""Launch templates: versions by number, and what other hands do to them."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

import pytest
from examples_ec2 import launch_template as template
from verbs import changes, found, make, repair

from batchctl.aws.session import Aws
from batchctl.resource import Deployed


@pytest.fixture
def ec2(aws: Aws) -> Any:
    return aws.connection.client("ec2")


@pytest.fixture
def deployed(aws: Aws) -> Deployed:
    return Deployed(aws)


def data_of(ec2: Any, template_id: str, version: str) -> Any:
    answer = ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=[version])
    return answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def test_instances_have_imdsv2_alone_and_an_encrypted_volume_of_the_stack(
    ec2: Any, deployed: Deployed
) -> None:
    outputs = make(template, deployed)
    data = data_of(ec2, outputs.id, "1")
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    (volume,) = data["BlockDeviceMappings"]
    assert volume["DeviceName"] == "/dev/xvda"
    assert volume["Ebs"]["Encrypted"] is True
    assert (volume["Ebs"]["VolumeSize"], volume["Ebs"]["VolumeType"]) == (30, "gp3")
    assert base64.b64decode(data["UserData"]).decode() == template.user_data
    tags = {each["ResourceType"]: each["Tags"] for each in data["TagSpecifications"]}["volume"]
    assert {each["Key"]: each["Value"] for each in tags} == {
        "batchctl:stack": "batchapp",
        "team": "quant",
    }


def test_a_change_is_another_version_and_its_number_is_the_output(
    ec2: Any, deployed: Deployed
) -> None:
    first = make(template, deployed)
    larger = dataclasses.replace(template, root_volume_gib=40)
    repair(larger, deployed)
    assert (deployed[larger].id, deployed[larger].version) == (first.id, "2")
    assert data_of(ec2, first.id, "2")["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 40
    assert data_of(ec2, first.id, "1")["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 30


def test_a_version_that_other_hands_add_means_nothing(
    ec2: Any, aws: Aws, deployed: Deployed
) -> None:
    make(template, deployed)
    recorded = deployed[template]
    ec2.create_launch_template_version(
        LaunchTemplateId=recorded.id,
        LaunchTemplateData={"MetadataOptions": {"HttpTokens": "optional"}},
    )
    actual = template.read(aws, recorded, template.desired(deployed))
    assert actual is not None
    assert actual.outputs == recorded
    # Without a record theirs is the latest: ours is then added again.
    assert {each.path for each in changes(template, deployed)} >= {
        "LaunchTemplateData.MetadataOptions.HttpTokens"
    }


def test_a_recorded_version_that_is_gone_gives_way_to_the_latest(
    aws: Aws, deployed: Deployed
) -> None:
    make(template, deployed)
    recorded = dataclasses.replace(deployed[template], version="7")
    actual = template.read(aws, recorded, template.desired(deployed))
    assert actual is not None
    assert actual.outputs.version == "1"


def test_what_is_not_ours_is_left_untouched(ec2: Any, deployed: Deployed) -> None:
    ec2.create_launch_template(
        LaunchTemplateName=template.name, LaunchTemplateData={"InstanceType": "m6i.large"}
    )
    with pytest.raises(Exception, match="exists without the tag"):
        found(template, deployed)
