"""The pages of the AWS console that show an application: addresses made of what was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from batchctl.application.job_resources import LOG_GROUP, QUEUE, TABLE, TRACKER, Recorded

_HOSTS = {
    "aws": "{region}.console.aws.amazon.com",
    "aws-cn": "{region}.console.amazonaws.cn",
    "aws-us-gov": "{region}.console.amazonaws-us-gov.com",
}
"""AWS General Reference, "AWS Management Console": a host for each partition and region."""

JOB_QUEUE = "job_queue.compute"


def console_pages(recorded: Recorded, region: str) -> Mapping[str, str]:
    """Return the addresses by what they show; NotDeployed where it isn't recorded."""
    queue_arn = recorded.output(JOB_QUEUE, "arn")
    partition = queue_arn.split(":")[1]
    home = f"https://{_HOSTS.get(partition, _HOSTS['aws']).format(region=region)}"
    where = f"?region={region}#"
    table, function = recorded.output(TABLE, "id"), recorded.output(TRACKER, "id")
    # CloudWatch's page decodes its fragment twice, with `$` for `%`.
    group = quote(quote(recorded.output(LOG_GROUP, "id"), safe=""), safe="").replace("%", "$")
    return {
        "jobs": f"{home}/batch/home{where}queues/detail/{queue_arn}",
        "queue": f"{home}/sqs/v3/home{where}/queues/{_quoted(recorded.output(QUEUE, 'url'))}",
        "table": f"{home}/dynamodbv2/home{where}table?name={_quoted(table)}",
        "logs": f"{home}/cloudwatch/home{where}logsV2:log-groups/log-group/{group}",
        "tracker": f"{home}/lambda/home{where}/functions/{_quoted(function)}",
    }


def _quoted(text: str) -> str:
    return quote(text, safe="")
