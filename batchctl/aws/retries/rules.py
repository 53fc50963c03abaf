"""The temporary errors of AWS: of which operations, for how long, and what is waited for.

Sources: IAM user guide, "Changes that I make are not always immediately visible" (eventual
consistency; Terraform's provider and Chalice retry the same texts); Lambda developer guide,
"Creating an SQS event source mapping"; SQS API reference, CreateQueue; DynamoDB API reference,
CreateTable and UpdateContinuousBackups; Elastic Load Balancing guide, "Lambda functions as
targets"; EC2 API reference, "Error codes"; AWS WAF API reference, AssociateWebACL.
"""

from __future__ import annotations

from batchctl.aws.retries.apigateway import API_GATEWAY_RULES
from batchctl.aws.retries.rule import Rule

__all__ = ["RULES", "Rule"]

_FUNCTION_WRITES = (
    "lambda.CreateFunction",
    "lambda.UpdateFunctionConfiguration",
    "lambda.UpdateFunctionCode",
)
_MAPPING_WRITES = ("lambda.CreateEventSourceMapping", "lambda.UpdateEventSourceMapping")
_BATCH_WRITES = (
    "batch.UpdateComputeEnvironment",
    "batch.DeleteComputeEnvironment",
    "batch.UpdateJobQueue",
    "batch.DeleteJobQueue",
)
_IAM_WRITES = (
    "iam.CreateRole",
    "iam.PutRolePolicy",
    "iam.AttachRolePolicy",
    "iam.DetachRolePolicy",
    "iam.UpdateAssumeRolePolicy",
    "iam.TagRole",
    "iam.UntagRole",
    "iam.DeleteRole",
    "iam.DeleteRolePolicy",
    "iam.CreateInstanceProfile",
    "iam.TagInstanceProfile",
    "iam.UntagInstanceProfile",
    "iam.AddRoleToInstanceProfile",
    "iam.RemoveRoleFromInstanceProfile",
    "iam.DeleteInstanceProfile",
    "iam.CreateServiceLinkedRole",
)
RULES: tuple[Rule, ...] = (
    *API_GATEWAY_RULES,
    Rule(
        (*_FUNCTION_WRITES, *_MAPPING_WRITES),
        "InvalidParameterValueException",
        "cannot be assumed by lambda",
        300,
        "IAM to show the new role to Lambda",
    ),
    Rule(
        (*_FUNCTION_WRITES, *_MAPPING_WRITES),
        "InvalidParameterValueException",
        "execution role does not have permissions",
        300,
        "IAM to show the role's policy to Lambda",
    ),
    Rule(
        _MAPPING_WRITES,
        "InvalidParameterValueException",
        "ensure the role can perform",
        300,
        "IAM to show the role's policy to Lambda",
    ),
    Rule(
        _FUNCTION_WRITES,
        "InvalidParameterValueException",
        "kms key is invalid for creategrant",
        300,
        "IAM to show the new role to KMS",
    ),
    Rule(
        _FUNCTION_WRITES,
        "InvalidParameterValueException",
        "throttled by ec2",
        540,
        "EC2 to stop throttling Lambda",
    ),
    Rule(
        _MAPPING_WRITES,
        "InvalidParameterValueException",
        "queue visibility timeout",
        180,
        "the queue's visibility timeout to reach Lambda",
    ),
    Rule(
        (
            *_FUNCTION_WRITES[1:],
            "lambda.DeleteFunction",
            "lambda.PutFunctionConcurrency",
            "lambda.PutFunctionEventInvokeConfig",
            "lambda.AddPermission",
            "lambda.RemovePermission",
        ),
        "ResourceConflictException",
        "in progress",
        300,
        "Lambda to finish the function's previous update",
    ),
    Rule(
        ("lambda.UpdateEventSourceMapping", "lambda.DeleteEventSourceMapping"),
        "ResourceInUseException",
        "",
        300,
        "Lambda to finish the mapping's previous change",
    ),
    Rule(
        ("lambda.PutFunctionEventInvokeConfig",),
        "InvalidParameterValueException",
        "does not have permissions",
        300,
        "IAM to show the role's policy to Lambda",
    ),
    Rule(
        ("lambda.PutFunctionEventInvokeConfig",),
        "InvalidParameterValueException",
        "destination arn",
        120,
        "Lambda to see the new queue",
    ),
    Rule(
        ("lambda.AddPermission", "lambda.PutFunctionEventInvokeConfig"),
        "ResourceNotFoundException",
        "",
        300,
        "Lambda to show the new function",
    ),
    Rule(
        ("wafv2.AssociateWebACL",),
        "WAFUnavailableEntityException",
        "",
        300,
        "AWS WAF to see the new endpoint",
    ),
    Rule(
        ("iam.PutRolePolicy", "iam.AttachRolePolicy"),
        "NoSuchEntity",
        "the role with name",
        120,
        "IAM to show the new role",
    ),
    Rule(
        ("iam.AddRoleToInstanceProfile",),
        "NoSuchEntity",
        "",
        120,
        "IAM to show the new role",
    ),
    Rule(
        ("iam.AddRoleToInstanceProfile",),
        "InvalidParameterValue",
        "invalid iam instance profile name",
        120,
        "IAM to show the new instance profile",
    ),
    Rule(
        ("iam.CreateRole", "iam.UpdateAssumeRolePolicy"),
        "MalformedPolicyDocument",
        "invalid principal in policy",
        120,
        "IAM to show the principal that the policy names",
    ),
    Rule(
        ("iam.DeleteRole", "iam.DeleteInstanceProfile"),
        "DeleteConflict",
        "",
        120,
        "IAM to forget what was detached",
    ),
    Rule(_IAM_WRITES, "ConcurrentModification", "", 120, "IAM to finish another change"),
    Rule(
        (
            "events.PutRule",
            "events.PutTargets",
            "events.RemoveTargets",
            "events.DeleteRule",
            "events.TagResource",
            "events.UntagResource",
        ),
        "ConcurrentModificationException",
        "",
        120,
        "EventBridge to finish another change of the rule",
    ),
    Rule(
        ("events.DeleteRule",),
        "ValidationException",
        "since it has targets",
        300,
        "EventBridge to see that the rule's targets are gone",
    ),
    # The first cluster of an account: ECS makes its role while it refuses.
    Rule(
        ("batch.CreateComputeEnvironment",),
        "ClientException",
        "unable to assume the service linked role",
        180,
        "ECS to make its service-linked role",
    ),
    Rule(
        ("sqs.CreateQueue",),
        "QueueDeletedRecently",
        "",
        180,
        "SQS to free the name of the deleted queue (60 s)",
    ),
    Rule(
        ("dynamodb.UpdateContinuousBackups",),
        "ContinuousBackupsUnavailableException",
        "",
        1200,
        "DynamoDB to enable backups of the new table",
    ),
    Rule(
        (
            "dynamodb.UpdateTable",
            "dynamodb.DeleteTable",
            "dynamodb.TagResource",
            "dynamodb.UntagResource",
        ),
        "ResourceInUseException",
        "",
        600,
        "DynamoDB to finish the table's previous change",
    ),
    Rule(
        ("dynamodb.CreateTable", "dynamodb.UpdateTable", "dynamodb.DeleteTable"),
        "LimitExceededException",
        "simultaneous",
        600,
        "DynamoDB to finish other tables' changes",
    ),
    Rule(
        _BATCH_WRITES,
        "ClientException",
        "resource is being modified",
        600,
        "Batch to finish the previous change",
    ),
    Rule(
        ("batch.DeleteComputeEnvironment", "batch.DeleteSchedulingPolicy"),
        "ClientException",
        "existing jobqueue relationship",
        600,
        "Batch to see that no job queue uses it any more",
    ),
    Rule(
        ("elasticloadbalancing.CreateLoadBalancer", "elasticloadbalancing.SetSecurityGroups"),
        "InvalidSecurityGroup",
        "",
        60,
        "Elastic Load Balancing to see the new security group",
    ),
    Rule(
        ("elasticloadbalancing.RegisterTargets",),
        "AccessDenied",
        "permission to invoke",
        180,
        "Elastic Load Balancing to see its permission to invoke the function",
    ),
    Rule(
        ("elasticloadbalancing.DeleteTargetGroup",),
        "ResourceInUse",
        "",
        300,
        "the load balancer to let go of the target group",
    ),
    Rule(
        (
            "ec2.AuthorizeSecurityGroupIngress",
            "ec2.AuthorizeSecurityGroupEgress",
            "ec2.RevokeSecurityGroupEgress",
            "ec2.CreateTags",
            "elasticloadbalancing.CreateLoadBalancer",
        ),
        "InvalidGroup.NotFound",
        "",
        60,
        "EC2 to show the new security group",
    ),
    Rule(
        ("logs.DeleteLogGroup", "logs.CreateLogGroup", "logs.PutRetentionPolicy"),
        "OperationAbortedException",
        "",
        60,
        "CloudWatch Logs to finish another change",
    ),
)
