"""What the functions and the runner still know each for themselves: they must agree."""

from __future__ import annotations

from batchctl.runner import job_table, tries
from handlers import keeping, results


def test_functions_and_container_agree_on_when_items_go() -> None:
    assert job_table.LATER_S == keeping.JOB_LAST_S
    job = {"expires_at": {"N": "1800000000"}}
    assert job_table.expiry_in("demo", job) == keeping.items_expiry(1_800_000_000)


def test_functions_and_container_agree_on_what_a_result_may_be() -> None:
    assert tries.DEEPEST_RESULT == results.MAX_DEPTH
