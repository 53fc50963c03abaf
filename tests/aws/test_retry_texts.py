"""The retry table against AWS's own texts, written down where AWS or its users give them.

Each row is an answer of AWS's, word for word as its source has it; names in it are ours. So a part
of a text that is mistyped in the table matches nothing here.

Sources: "TF x" is the Terraform provider for AWS, internal/service/x, which retries that text; "API
x" is the API reference of that service; "LDG" the Lambda developer guide; "EDG" and "BUG" the user
guides of Elastic Load Balancing and AWS Batch; "seen" what users quote in public issues.
"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from batchctl.aws.retries.rule import Rule
from batchctl.aws.retries.rules import RULES

# Operation, error code, AWS's text, at least so many seconds, its source.
PASSING: list[tuple[str, str, str, float, str]] = [
    (
        "lambda.CreateFunction",
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
        300,
        "TF lambda/function.go",
    ),
    (
        "lambda.UpdateFunctionConfiguration",
        "InvalidParameterValueException",
        (
            "The provided execution role does not have permissions to call"
            " CreateNetworkInterface on EC2"
        ),
        300,
        "TF lambda/function.go",
    ),
    (
        "lambda.CreateFunction",
        "InvalidParameterValueException",
        (
            "Lambda was unable to configure access to your environment variables"
            " because the KMS key"
            " is invalid for CreateGrant. Please check your KMS key settings."
        ),
        300,
        "TF lambda/function.go",
    ),
    (
        "lambda.UpdateFunctionCode",
        "InvalidParameterValueException",
        (
            "Your request has been throttled by EC2, please make sure you have"
            " enough API rate limit."
            " EC2 Error Code: RequestLimitExceeded. EC2 Error Message: Request limit exceeded."
        ),
        540,
        "TF lambda/function.go",
    ),
    (
        "lambda.CreateEventSourceMapping",
        "InvalidParameterValueException",
        "The provided execution role does not have permissions to call ReceiveMessage on SQS",
        300,
        "TF lambda/event_source_mapping.go",
    ),
    (
        "lambda.UpdateEventSourceMapping",
        "InvalidParameterValueException",
        (
            "Cannot access stream. Please ensure the role can perform the"
            " GetRecords, GetShardIterator,"
            " DescribeStream, and ListStreams Actions on your stream in IAM."
        ),
        300,
        "TF lambda/event_source_mapping.go",
    ),
    (
        "lambda.CreateEventSourceMapping",
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
        60,
        "seen; API SQS, SetQueueAttributes: up to 60 s until it is known everywhere",
    ),
    (
        "lambda.UpdateFunctionConfiguration",
        "ResourceConflictException",
        (
            "The operation cannot be performed at this time. An update is in progress for resource:"
            " arn:aws:lambda:us-east-1:123456789012:function:batchapp-JobAPI"
        ),
        300,
        "seen; LDG, Lambda function states",
    ),
    (
        "lambda.DeleteEventSourceMapping",
        "ResourceInUseException",
        "Cannot delete the event source mapping because it is in use.",
        300,
        "seen; API Lambda, DeleteEventSourceMapping",
    ),
    (
        "lambda.PutFunctionEventInvokeConfig",
        "InvalidParameterValueException",
        (
            "The function's execution role does not have permissions to call SendMessage on"
            " arn:aws:sqs:us-east-1:123456789012:batchapp-events"
        ),
        120,
        "TF lambda/function_event_invoke_config.go",
    ),
    (
        "iam.PutRolePolicy",
        "NoSuchEntity",
        "The role with name batchapp-api cannot be found.",
        120,
        "seen; TF iam/role_policy.go",
    ),
    (
        "iam.AddRoleToInstanceProfile",
        "InvalidParameterValue",
        (
            "Value (batchapp) for parameter iamInstanceProfile.name is invalid."
            " Invalid IAM Instance"
            " Profile name"
        ),
        120,
        "TF iam/instance_profile.go",
    ),
    (
        "iam.CreateRole",
        "MalformedPolicyDocument",
        'Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/batchapp-api"',
        120,
        "TF iam/role.go",
    ),
    (
        "iam.DeleteRole",
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
        120,
        "API IAM, DeleteRole",
    ),
    (
        "sqs.CreateQueue",
        "QueueDeletedRecently",
        (
            "You must wait 60 seconds after deleting a queue before you can create another with the"
            " same name."
        ),
        60,
        "API SQS, CreateQueue",
    ),
    (
        "dynamodb.UpdateContinuousBackups",
        "ContinuousBackupsUnavailableException",
        "Backups are being enabled for the table: batchapp-jobs. Please retry later",
        1200,
        "TF dynamodb/wait.go: 20 minutes",
    ),
    (
        "dynamodb.CreateTable",
        "LimitExceededException",
        (
            "Subscriber limit exceeded: Only 10 tables can be created, updated, or deleted"
            " simultaneously"
        ),
        60,
        "TF dynamodb/table.go",
    ),
    (
        "batch.UpdateJobQueue",
        "ClientException",
        "Cannot update, resource is being modified.",
        300,
        "seen; BUG, Updating a job queue",
    ),
    (
        "batch.DeleteComputeEnvironment",
        "ClientException",
        "Cannot delete, found existing JobQueue relationship",
        300,
        "seen: hashicorp/terraform-provider-aws#2044",
    ),
    (
        "elasticloadbalancing.RegisterTargets",
        "AccessDenied",
        (
            "elasticloadbalancing principal does not have permission to invoke"
            " arn:aws:lambda:us-east-1:123456789012:function:batchapp-JobAPI"
        ),
        60,
        "seen; EDG, Lambda functions as targets",
    ),
    (
        "elasticloadbalancing.DeleteTargetGroup",
        "ResourceInUse",
        (
            "Target group"
            " 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/1' is"
            " currently in use by a listener or a rule"
        ),
        120,
        "TF elbv2/target_group.go",
    ),
    (
        "logs.DeleteLogGroup",
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
        60,
        "TF logs/group.go",
    ),
    (
        "apigateway.PutMethod",
        "ConflictException",
        "Unable to complete operation due to concurrent modification. Please try again later.",
        60,
        "TF apigateway/service_package.go",
    ),
    (
        "apigateway.UpdateAccount",
        "BadRequestException",
        "The role ARN does not have required permissions configured. Please grant trust permission",
        120,
        "TF apigateway/account.go",
    ),
    (
        "apigateway.UpdateAccount",
        "BadRequestException",
        (
            "API Gateway could not successfully write to CloudWatch Logs using the ARN"
            " arn:aws:iam::123456789012:role/batchctl-api-gateway-logs specified."
        ),
        120,
        "TF apigateway/account.go",
    ),
    (
        "events.DeleteRule",
        "ValidationException",
        "Rule can't be deleted since it has targets.",
        300,
        "TF events/rule.go: 5 minutes",
    ),
    (
        "batch.CreateComputeEnvironment",
        "ClientException",
        (
            "Unable to assume the service linked role. Please verify that the ECS service linked"
            " role exists."
        ),
        60,
        "seen: aws-cloudformation/cloudformation-coverage-roadmap#818",
    ),
]
# What the same operations answer with the same codes when waiting is of no use.
LASTING: list[tuple[str, str, str]] = [
    (
        "lambda.CreateFunction",
        "InvalidParameterValueException",
        "Unzipped size must be smaller than 262144000 bytes",
    ),
    (
        "lambda.CreateEventSourceMapping",
        "InvalidParameterValueException",
        (
            "Maximum batch window in seconds must be greater than 0 if maximum"
            " batch size is greater"
            " than 10"
        ),
    ),
    (
        "lambda.CreateFunction",
        "ResourceConflictException",
        "Function already exist: batchapp-JobAPI",
    ),
    ("iam.PutRolePolicy", "MalformedPolicyDocument", "Syntax errors in policy."),
    ("iam.GetRole", "NoSuchEntity", "The role with name batchapp-api cannot be found."),
    ("batch.DeleteComputeEnvironment", "ClientException", "batchapp-spot does not exist"),
    (
        "elasticloadbalancing.RegisterTargets",
        "AccessDenied",
        (
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform:"
            " elasticloadbalancing:RegisterTargets"
        ),
    ),
    ("events.DeleteRule", "ValidationException", "Rule batchapp-events is a managed rule."),
    ("apigateway.UpdateAccount", "BadRequestException", "Invalid patch path /cloudwatchRole"),
]


def rules_for(operation: str, code: str, message: str) -> list[Rule]:
    answer: ClientError = ClientError({"Error": {"Code": code, "Message": message}}, "Operation")
    return [rule for rule in RULES if rule.matches(operation, answer)]


@pytest.mark.parametrize(
    ("operation", "code", "message", "at_least_s", "source"),
    PASSING,
    ids=[f"{operation}: {message[:30]}" for operation, _, message, _, _ in PASSING],
)
def test_awss_own_text_is_waited_out_for_as_long_as_its_source_says(
    operation: str, code: str, message: str, at_least_s: float, source: str
) -> None:
    assert rules_for(operation, code, message), source
    assert max(rule.for_s for rule in rules_for(operation, code, message)) >= at_least_s


@pytest.mark.parametrize(("operation", "code", "message"), LASTING)
def test_what_does_not_pass_by_itself_is_not_waited_for(
    operation: str, code: str, message: str
) -> None:
    assert rules_for(operation, code, message) == []
