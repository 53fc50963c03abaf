"""Scripts and notebooks on the local cloud: the deployed function, and any other."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from application import Application

from batchctl.contract.shipped_code import PARAMETER

pytestmark = pytest.mark.e2e
NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook" / "simulate.ipynb"


def ran(deployed: Application, text: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the application's folder, as its user does."""
    script = deployed.folder / "script.py"
    script.write_text(textwrap.dedent(text))
    return deployed.execute(sys.executable, str(script), timeout_s=240)


def test_map_yields_in_order_what_a_function_of_the_script_returns(deployed: Application) -> None:
    done = ran(
        deployed,
        """
        import batchctl

        LENGTHS = {"A": 1}

        class NotKnown(Exception):
            pass

        def length(item, parameters):
            if item not in LENGTHS:
                raise NotKnown(item)
            return LENGTHS[item] + parameters["more"]

        for item, result in batchctl.map(
            length, ["B", "A"], {"more": 1}, local=True, return_exceptions=True
        ):
            print(item, result if isinstance(result, int) else result.error)
        """,
    )
    assert done.returncode == 0, done.stderr
    failed, succeeded = done.stdout.splitlines()
    assert failed.startswith("B NotKnown: B (script.py, line 11, in length)")
    assert succeeded == "A 2"
    assert done.stderr == ""


def test_the_same_script_again_finds_its_job_and_a_changed_one_is_refused(
    deployed: Application,
) -> None:
    script = """
        import batchctl
        app = batchctl.open(local=True)
        print(dict(app.map(["A"], code=lambda item: item * {times}, job_id="again")))
    """
    first, again = (ran(deployed, script.format(times=2)) for _ in range(2))
    assert first.stdout == again.stdout == "{'A': 'AA'}\n", first.stderr + again.stderr
    changed = ran(deployed, script.format(times=3))
    assert "JobConflict: could not submit job `again`" in changed.stderr


def test_whoever_may_only_submit_has_no_code_run_that_nobody_stored(deployed: Application) -> None:
    body = {"job_id": "foreign", "universe": ["A"], "parameters": {PARAMETER: "0" * 64}}
    assert deployed.request("PUT", "/v1/new-task", body).status == 202
    job = deployed.ended("foreign")
    assert job["status"] == "FAILED"
    assert "the table has no whole code 000000000000" in job["results"]["A"]["error"]


def test_the_notebook_runs_cell_by_cell(deployed: Application) -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    shown = code.pop().rpartition("\n")
    done = ran(deployed, "\n".join([*code, shown[0], f"print({shown[2]}._repr_html_(), prices)"]))
    assert done.returncode == 0, done.stderr
    assert "SUCCEEDED: 20 items" in done.stdout
    assert "'SYM000': " in done.stdout
