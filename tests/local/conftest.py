from __future__ import annotations

from collections.abc import Iterator

import pytest
from local_batch import LocalBatch
from local_cloud import Cloud, build, new_settings

from batchctl.local.control import process


@pytest.fixture
def batch() -> LocalBatch:
    return LocalBatch()


@pytest.fixture
def ready(batch: LocalBatch) -> LocalBatch:
    """A Batch with an environment `spot` of 4 vCPUs, a queue `work` and a definition `compute`."""
    batch.environment()
    batch.queue()
    batch.definition()
    return batch


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with a queue `work` over an environment `spot`, and a definition `compute`."""
    settings = new_settings(tmp_path_factory.mktemp("local"))
    cloud = Cloud(process.start(settings))
    try:
        build(cloud)
        yield cloud
    finally:
        process.stop(settings.directory)
