"""The contract that every resource kind keeps.

A kind is a frozen dataclass in `batchctl/resources/`: its fields are what we want, and a field
that holds another resource, at any depth, is a dependency. The engine reads the graph off the
fields and calls these verbs, which stand in every file in this order:

- `desired(deployed)`  the API parameters that we own, in the API's own spelling
- `read(...)`          what AWS has: by recorded id first, then by the identity in `desired`
- `create(...)`        makes it and waits until it is usable
- `update(...)`        brings about the changed properties only
- `write_tags(...)`    sets and removes tags
- `tags_of(...)`       the tags that say whose it is, asked for before it is deleted
- `delete(...)`        from recorded outputs alone; quiet when gone; waits until gone

Kinds register themselves by their `kind` name, so that `down` finds them from the state alone.
"""

from __future__ import annotations

from batchctl.resource.groups import Group
from batchctl.resource.kind import Actual, Document, O, Outputs, Properties, Resource
from batchctl.resource.ownership import (
    NotOwned,
    foreign_because,
    in_other_region,
    is_owned,
    require_owned,
    said_of_origin,
)
from batchctl.resource.references import Deployed, Output, is_unknown, resolve, unknown_output

__all__ = [
    "Actual",
    "Deployed",
    "Document",
    "Group",
    "NotOwned",
    "O",
    "Output",
    "Outputs",
    "Properties",
    "Resource",
    "foreign_because",
    "in_other_region",
    "is_owned",
    "is_unknown",
    "require_owned",
    "resolve",
    "said_of_origin",
    "unknown_output",
]
