"""The login: where the credentials come from, and one error for whatever keeps them away.

botocore runs the profile's program, reads its token file, asks for a code or calls STS, and lets
through whatever that raises: what `json` says of a program that prints text, OSError of a missing
one, EOFError where nobody can type. All of it is one `LoggedOut` here, which ends a run. What a
network does to the login's own calls (no answer, throttling) passes, as `NoAnswerToLogin`: those
calls are tried again with the call that needed the login, which wasn't sent.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from batchctl.aws.errors import (
    CREDENTIALS_HINT,
    THROTTLE_CODES,
    NoAnswerToLogin,
    code_of,
    explain,
    login_error,
)
from batchctl.aws.secrets import SECRETS
from batchctl.errors import LoggedOut

_EXPORT = "`aws configure export-credentials --profile NAME --format env` prints credentials to set"
_PROCESS_HINT = (
    "run the profile's `credential_process` by hand: on stdout it has to print JSON with "
    "`Version: 1` and nothing else (AWS CLI user guide, `credential_process`)"
)
_NAMED_HINT = (
    "install or correct what the profile names (`credential_process`, `web_identity_token_file`)"
)


@dataclass
class Login:
    """The login of one session; its error, once there is one, is every later call's as well."""

    session: boto3.Session
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _error: LoggedOut | None = None

    def watch(self) -> None:
        """Take part in the signing of every call from now on; calling it twice is safe."""
        self.session.events.register("before-sign", self._before_sign, unique_id="batchctl-login")

    def begin(self) -> None:
        """Have the session find its credentials; LoggedOut when what it finds can't be used.

        None at all is no error yet: the first call says so.
        """
        self._resolve(self.session.get_credentials)

    def _before_sign(self, request_signer: Any, signature_version: Any, **_: Any) -> None:
        credentials = vars(request_signer).get("_credentials")
        if credentials is not None and signature_version is not UNSIGNED:
            # Signing, which comes next, does the same: this causes no additional refresh.
            frozen = self._resolve(credentials.get_frozen_credentials)
            SECRETS.learn(frozen.secret_key, frozen.token)

    def _resolve(self, find: Any) -> Any:
        """Return what `find` does; the threads that wait for it fail as the first one did."""
        if self._error:
            raise self._error
        try:
            return find()
        except LoggedOut:
            raise
        except Exception as error:
            if _is_temporary(error):
                raise NoAnswerToLogin(error=error) from error
            with self._lock:
                self._error = self._error or _logged_out(error, self.session)
            raise self._error from error


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return bool(status >= 500) or code_of(error) in THROTTLE_CODES
    return isinstance(error, NoConnection | HTTPClientError)


def _logged_out(error: Exception, session: boto3.Session) -> LoggedOut:
    known = login_error(error)
    if known:
        return known
    profile = session.profile_name
    why, hint = _reason(error)
    return LoggedOut(f"could not log in with the profile `{profile}`: {why}", hint=hint)


def _reason(error: Exception) -> tuple[str, str]:
    """Return why there are no credentials, and what to do."""
    match error:
        case json.JSONDecodeError() | UnicodeDecodeError() | AttributeError() | TypeError():
            return "its `credential_process` printed something else than credentials", _PROCESS_HINT
        case EOFError():
            return (
                "it asks for an MFA code, and there is no terminal to type it on",
                f"run the command in a terminal, or log in first: {_EXPORT}",
            )
        case FileNotFoundError() | PermissionError() | NotADirectoryError():
            return (
                f"`{error.filename}`: {error.strerror}",
                f"{_NAMED_HINT}; {CREDENTIALS_HINT}",
            )
        case ClientError():
            return explain(error)[0], f"check the profile's role and source; {CREDENTIALS_HINT}"
    return _reason_by_name(error)


def _reason_by_name(error: Exception) -> tuple[str, str]:
    name = type(error).__name__
    if name == "MissingDependencyException":
        return (
            "it is one of `aws login`, which takes the package `awscrt`, and that isn't installed",
            f"install it beside batchctl (`pip install 'botocore[crt]'`); or {_EXPORT}",
        )
    if name.startswith("Login"):
        return str(error), "run `aws login` again"
    if isinstance(error, BotoCoreError):
        return str(error), CREDENTIALS_HINT
    return f"{name}: {error}", f"check the profile in `~/.aws/config`; {CREDENTIALS_HINT}"
