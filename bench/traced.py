"""The command line, unchanged, with a record of every API call: when, and for which resource.

Run as `python traced.py RECORD ARGUMENT…`; writes RECORD, a JSON file that `trace.py` reads.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from batchctl.cli import main as batchctl

calls: list[dict[str, Any]] = []
walks: list[dict[str, list[str]]] = []
# In the context, which helper threads get from the thread that they help.
where: ContextVar[tuple[int | None, str | None]] = ContextVar("where", default=(None, None))


def record_calls() -> None:
    """Note each call's operation, time, and the resource whose turn it is in this context."""
    from botocore import client as botocore_client  # noqa: PLC0415 - what is measured loads it too

    base: Any = botocore_client.BaseClient
    make = base._make_api_call  # noqa: SLF001 - botocore has no event around a whole call

    def recorded(client: Any, operation: str, parameters: Any) -> Any:
        started, walk_and_address = time.time(), where.get()
        try:
            return make(client, operation, parameters)
        finally:
            calls.append(
                {
                    "operation": f"{client.meta.service_model.service_name}.{operation}",
                    "started": started,
                    "ended": time.time(),
                    "walk": walk_and_address[0],
                    "address": walk_and_address[1],
                }
            )

    base._make_api_call = recorded  # noqa: SLF001 - as above


def record_walks() -> None:
    """Note each walk's graph, and in every context whose turn it is."""
    from batchctl.engine import apply, delete, destroy, plan  # noqa: PLC0415 - as above
    from batchctl.engine import walk as engine_walk  # noqa: PLC0415 - as above

    walk = engine_walk.walk

    def recorded(
        graph: Mapping[str, Any], work: Callable[[str], None], stop: threading.Event, *workers: Any
    ) -> Any:
        number = len(walks)
        walks.append({address: sorted(before) for address, before in graph.items()})

        def noted(address: str) -> None:
            token = where.set((number, address))
            try:
                work(address)
            finally:
                where.reset(token)

        return walk(graph, noted, stop, *workers)

    for module in (plan, apply, delete, destroy):
        module.walk = recorded  # type: ignore[attr-defined]


def main() -> None:
    """Run the command and write the record, whatever comes of it."""
    record = sys.argv.pop(1)
    record_calls()
    record_walks()
    try:
        batchctl(prog_name="batchctl")
    finally:
        Path(record).write_text(json.dumps({"calls": calls, "walks": walks}), encoding="utf-8")


if __name__ == "__main__":
    main()
