"""REST APIs of a really started local cloud, where its emulator is not as AWS."""

from __future__ import annotations

import pytest
from local_cloud import Cloud

pytestmark = pytest.mark.e2e


def test_tags_that_are_set_and_removed_later_are_shown(cloud: Cloud) -> None:
    first = {"kept": "1", "removed": "2"}
    api_id = cloud.apigateway.create_rest_api(name="tagged", tags=first)["id"]
    deployment = cloud.apigateway.create_deployment(restApiId=api_id)["id"]
    stage = {"restApiId": api_id, "stageName": "api"}
    cloud.apigateway.create_stage(**stage, deploymentId=deployment, tags=first)
    path = f"arn:aws:apigateway:us-east-1::/restapis/{api_id}"
    for arn in (path, f"{path}/stages/api"):
        cloud.apigateway.tag_resource(resourceArn=arn, tags={"new": "3"})
        cloud.apigateway.untag_resource(resourceArn=arn, tagKeys=["removed", "absent"])
    shown = {"kept": "1", "new": "3"}
    assert cloud.apigateway.get_rest_api(restApiId=api_id)["tags"] == shown
    assert cloud.apigateway.get_stage(**stage)["tags"] == shown
    (listed,) = [each for each in cloud.apigateway.get_rest_apis()["items"] if each["id"] == api_id]
    assert listed["tags"] == shown
