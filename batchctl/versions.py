"""Versions of batchctl: which one an application asks for, and which one built it."""

from __future__ import annotations

from batchctl import __version__
from batchctl.errors import UsageError


def is_older_than(other: str) -> bool:
    """Whether this batchctl is older than another; False where that is no version."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - few commands compare

    try:
        return Version(__version__) < Version(other)
    except InvalidVersion:
        return False


def is_specifier(text: str) -> bool:
    """Whether a text says versions as Python packages do: `>=1.2,<2`."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - as above

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return bool(text.strip())


def require_version(where: str, specifier: str) -> None:
    """Raise UsageError when this batchctl isn't one that `where` (a file and line) asks for."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - as above

    if not SpecifierSet(specifier).contains(__version__, prereleases=True):
        raise UsageError(
            f"{where}: requires: must be batchctl {specifier}, this is {__version__}",
            hint=f"install it: `pip install 'batchctl{specifier}'`",
        )
