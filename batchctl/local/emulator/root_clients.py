"""The account's services as its root calls them, through the local cloud's endpoint."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config


class RootClients:
    """One client for each service, made at its first use; any thread may ask."""

    def __init__(
        self, endpoint_url: str, region: str, root: tuple[str, str], read_timeout_s: float = 30.0
    ) -> None:
        """Call `endpoint_url` with root's access key id and secret; no call is made here."""
        key_id, secret = root
        self._session = boto3.session.Session(
            aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region
        )
        self._endpoint_url, self._read_timeout_s = endpoint_url, read_timeout_s
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        """Return the client of a service, by boto3's name of it."""
        with self._lock:  # boto3: sessions must not be shared between threads, clients may
            if service not in self._clients:
                config = Config(
                    connect_timeout=5, read_timeout=self._read_timeout_s, max_pool_connections=50
                )
                self._clients[service] = self._session.client(
                    service,  # type: ignore[call-overload]  # the stubs want each name as a literal
                    endpoint_url=self._endpoint_url,
                    config=config,
                )
            return self._clients[service]
