"""What other hands can change: for every attribute that we own the boto3 call that changes it.

Each mutation names the address and the path at which `plan` has to show it. Values come from
hypothesis where there are several.
"""

from __future__ import annotations

from mutation import Mutation
from mutations_access import ACCESS
from mutations_batch import BATCH
from mutations_ecr import ECR
from mutations_events import EVENTS
from mutations_front_door import FRONT_DOOR
from mutations_functions import FUNCTIONS
from mutations_storage import STORAGE

MUTATIONS: tuple[Mutation, ...] = (
    *STORAGE,
    *ACCESS,
    *BATCH,
    *FUNCTIONS,
    *FRONT_DOOR,
    *ECR,
    *EVENTS,
)
