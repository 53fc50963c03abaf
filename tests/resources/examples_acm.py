"""Examples of the ACM kinds; the certificates are the user's."""

from __future__ import annotations

import dataclasses

from example import Example

from batchctl.engine.plan import Action
from batchctl.resources.acm import Certificate

# One of IAM: it is of every region, and nobody has to be asked for it.
certificate = Certificate(label="api", name="arn:aws:iam::123456789012:server-certificate/api")

EXAMPLES = [
    Example(
        certificate, dataclasses.replace(certificate, name=f"{certificate.name}2"), Action.NO_OP
    )
]
