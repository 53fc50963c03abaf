"""The functions and the container know the table's layout each for themselves: they must agree."""

from __future__ import annotations

import attempts
import job_table

from handlers import keeping, record, results, universe


def test_functions_and_container_agree_on_the_chunks_of_the_universe() -> None:
    assert job_table.CHUNK_ITEMS == universe.ITEMS_PER_CHUNK
    assert job_table.chunk_key(3) == universe.chunk_key(3) == "UNIVERSE#00000003"
    another = "ATTEMPT#02#UNIVERSE#00000003"
    assert job_table.chunk_key(3, 2) == universe.chunk_key(3, 2) == another


def test_functions_and_container_agree_on_the_key_of_a_result() -> None:
    assert job_table.RESULT_PREFIX == record.RESULT_PREFIX == "RESULT#"


def test_functions_and_container_agree_on_when_items_go() -> None:
    assert job_table.LATER_S == keeping.JOB_LAST_S
    job = {"expires_at": {"N": "1800000000"}}
    assert job_table.expiry_in("demo", job) == keeping.items_expiry(1_800_000_000)


def test_functions_and_container_agree_on_what_an_item_and_a_result_may_be() -> None:
    assert job_table.LARGEST_ITEM_BYTES == record.MAX_ITEM_BYTES
    assert attempts.DEEPEST_RESULT == results.MAX_DEPTH
