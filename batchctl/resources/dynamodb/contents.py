"""What a table holds: whether it is empty, and how many jobs it has."""

from __future__ import annotations

from itertools import islice

from botocore.exceptions import ClientError

from batchctl.aws.errors import code_of
from batchctl.aws.session import Aws

# Jobs are counted up to here: 20 pages of an index, a second or two.
PAGES_COUNTED = 20


def holds_items(aws: Aws, name: str) -> bool:
    """Whether the table has any item, from a consistent read: one item is enough to know."""
    scan = aws.dynamodb.get_paginator("scan").paginate
    pages = scan(
        TableName=name, Select="COUNT", ConsistentRead=True, PaginationConfig={"PageSize": 1}
    )
    return any(page["Count"] for page in pages)


def counted_jobs(aws: Aws, table: str, index: str) -> str | None:
    """Return how many jobs the index has; None when it has none or isn't there.

    Each page is 1 MB at most (DynamoDB API reference, Scan).
    """
    scan = aws.dynamodb.get_paginator("scan").paginate
    try:
        pages = scan(TableName=table, IndexName=index, Select="COUNT")
        counted = list(islice(pages, PAGES_COUNTED))
    except ClientError as error:
        if code_of(error) == "ValidationException":  # other hands deleted the index
            return None
        raise
    count = sum(page["Count"] for page in counted)
    more = "more than " if "LastEvaluatedKey" in counted[-1] else ""
    return f"{more}{count} {'job' if count == 1 else 'jobs'}" if count else None
