"""Examples of the CloudWatch Logs kinds."""

from __future__ import annotations

import dataclasses

from example import Example

from batchctl.resources.logs import LogGroup

log_group = LogGroup(label="api", name="/aws/lambda/batchapp-JobAPI", retention_days=7)

EXAMPLES = [Example(log_group, dataclasses.replace(log_group, retention_days=30))]
