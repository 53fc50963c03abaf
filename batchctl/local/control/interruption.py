"""Simulates Spot interruptions: asks the local cloud to reclaim hosts, once or repeatedly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException

from batchctl.errors import BatchctlError
from batchctl.local.control.record import CloudRecord

PAUSE_S = 1.0
"""Between two rounds."""

_TIMEOUT_S = 30.0


def interrupt(running: CloudRecord, rate: float) -> list[str]:
    """Reclaim the host of each running Spot task with probability `rate`, 0 to 1.

    Returns the ids of their Batch jobs; BatchctlError when the local cloud doesn't answer.
    """
    connection = HTTPConnection("127.0.0.1", running.gateway_port, timeout=_TIMEOUT_S)
    try:
        secret = running.root[1]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
        connection.request("POST", "/_batchctl/interrupt", json.dumps({"rate": rate}), headers)
        answer = json.load(connection.getresponse())
        return [str(job_id) for job_id in answer["interrupted"]]
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise BatchctlError(
            f"could not interrupt tasks: the local cloud does not answer ({error})",
            hint="see whether it runs: `batchctl local status`",
        ) from error
    finally:
        connection.close()


def rounds(
    interrupt_once: Callable[[], list[str]],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[str]]:
    """Interrupt now, and again every second for so many `seconds`; give what each round hit."""
    deadline = clock() + seconds
    yield interrupt_once()
    while clock() + PAUSE_S <= deadline:
        sleep(PAUSE_S)
        yield interrupt_once()
