"""The functions and the container know the table's layout each for themselves: they must agree."""

from __future__ import annotations

import job_table

from handlers import record, universe


def test_functions_and_container_agree_on_the_chunks_of_the_universe() -> None:
    assert job_table.CHUNK_ITEMS == universe.ITEMS_PER_CHUNK
    assert job_table.chunk_key(3) == universe.chunk_key(3) == "UNIVERSE#00000003"
    another = "ATTEMPT#02#UNIVERSE#00000003"
    assert job_table.chunk_key(3, 2) == universe.chunk_key(3, 2) == another


def test_functions_and_container_agree_on_the_key_of_a_result() -> None:
    assert job_table.RESULT_PREFIX == record.RESULT_PREFIX == "RESULT#"
