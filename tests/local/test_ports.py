from __future__ import annotations

import os
import socket
import sys

import pytest

from batchctl.errors import BatchctlError
from batchctl.local.control import ports


def test_a_taken_port_is_named_with_its_holder_and_the_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BatchctlError) as caught:
            ports.require_free(port, "api.port")
    assert str(caught.value).startswith(f"could not listen on port {port}: ")
    assert caught.value.hint is not None
    assert "`api.port`" in caught.value.hint
    if sys.platform == "linux":
        assert f"pid {os.getpid()}," in str(caught.value)


def test_a_free_port_is_no_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ports.require_free(port, "api.port")
    assert ports.holder(port) is None
