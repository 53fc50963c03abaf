"""The command line, unchanged, with its calls and AWS's scrubbed answers as JSON lines.

Run as `python recorded.py RECORDING ARGUMENT…`; adds to RECORDING, which `recordings.py` reads.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from recordings import Recorder

from batchctl.cli import main as batchctl


def record_calls(recorder: Recorder) -> None:
    """Have every call of every client noted with what came of it."""
    from botocore import client as botocore_client  # noqa: PLC0415 - what is recorded loads it too
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

    base: Any = botocore_client.BaseClient
    make = base._make_api_call  # noqa: SLF001 - botocore has no event around a whole call

    def recorded(client: Any, operation: str, parameters: Any) -> Any:
        call = (client.meta.service_model.service_name, operation)
        try:
            answer = make(client, operation, parameters)
        except ClientError as error:
            recorder.note(call, parameters, error=error)
            raise
        recorder.note(call, parameters, answer=answer)
        return answer

    base._make_api_call = recorded  # noqa: SLF001 - as above


def main() -> None:
    """Run the command; ACCEPTANCE_ACCOUNT is the account to hide."""
    recording = Path(sys.argv.pop(1))
    record_calls(Recorder(recording, os.environ["ACCEPTANCE_ACCOUNT"]))
    batchctl(prog_name="batchctl")


if __name__ == "__main__":
    main()
