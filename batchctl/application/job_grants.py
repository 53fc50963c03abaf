"""What the job commands must be granted: they talk HTTP, and ask AWS itself for a few things.

`submit`, `show`, `results` and the like need the API alone: nothing of IAM where its authentication
is `none`, with `iam` the right to call it. All that is asked of AWS beside is here.
"""

from __future__ import annotations

from batchctl.resource.grants import Grant

DOOR = "door"
"""`when` of what a REST API with authentication `iam` asks for."""

GRANTS = (
    # `cancel`, `retry`: the tracker does it.
    Grant("jobs", "lambda", "InvokeFunction", ("function:{stack}-JobTracker",)),
    # `logs`, `why`
    Grant("jobs", "dynamodb", "GetItem Query", ("table/{stack}-jobs",)),
    Grant("jobs", "batch", "DescribeJobs ListJobs"),
    Grant("jobs", "batch", "DescribeComputeEnvironments DescribeJobDefinitions DescribeJobQueues"),
    Grant("jobs", "batch", "GetJobQueueSnapshot", ("job-queue/{stack}-*",)),
    Grant(
        "jobs", "logs", "FilterLogEvents GetLogEvents", ("log-group:/batchctl/{stack}/compute*",)
    ),
    # `cost JOB`
    Grant("jobs", "ec2", "DescribeInstanceTypes DescribeSpotPriceHistory"),
    Grant("jobs", "pricing", "GetProducts"),
    # `dead-letters`
    Grant(
        "jobs",
        "sqs",
        "GetQueueAttributes ReceiveMessage DeleteMessage ChangeMessageVisibility "
        "ListMessageMoveTasks StartMessageMoveTask SendMessage",
        ("{stack}-*",),
    ),
    # Every call that is signed; `--assume-api-role` by a role that may call the API alone.
    Grant("jobs", "execute-api", "Invoke", ("{api}/*",), when=DOOR),
    Grant(
        "jobs",
        "sts",
        "AssumeRole",
        ("arn:{partition}:iam::{account}:role{path}{stack}-API-Execute-Role",),
        when=DOOR,
    ),
)
