"""The state under many workers: what `put` has returned from is on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from batchctl.engine.state import StateFile, StateRecord, read_state

WORKERS = 16
RECORDS = 64


def test_every_change_is_on_disk_when_its_worker_goes_on(state: StateFile) -> None:
    def put(number: int) -> bool:
        state.put(StateRecord("thing", str(number)))
        written = read_state(state.path)
        return written is not None and f"thing.{number}" in written.resources

    with ThreadPoolExecutor(WORKERS) as pool:
        assert all(pool.map(put, range(RECORDS)))
    written = read_state(state.path)
    assert written is not None
    assert (len(written.resources), written.serial) == (RECORDS, RECORDS)
