"""The zip that all Lambda functions are deployed from: handlers/, the contract, their libraries.

The same sources give the same bytes, on every machine and at any time, so that the hash of the zip
decides whether anything has to be uploaded. boto3 isn't in it: Lambda's Python runtimes have it
(Lambda developer guide, Building Lambda functions with Python). Also here: where handlers/, the
sample of compute/, the runner and the config.yaml template are, in a checkout and in an installed
package.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import importlib.metadata
import importlib.util
import io
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from batchctl.errors import BatchctlError

# Lambda developer guide, Lambda quotas: deployment package, zipped, uploaded directly
LARGEST_UPLOAD_BYTES = 50 * 1024 * 1024
EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)

RUNNER_FOLDER = ".batchctl-runner"
"""The folder of the runner in an image's working directory; a name that no file of a user has."""

RUNNER_COMMAND = ("python", "-P", RUNNER_FOLDER)
"""What runs it, wherever that directory is. Python puts a folder that it runs first on the import
path, with `-P` too, which keeps the working directory off it (Python documentation, "Command line
and environment"); so nothing hangs on PYTHONPATH, which an image may set for itself."""


@dataclasses.dataclass(frozen=True)
class Library:
    """A library that goes into the zip: its files and folders, from where it is installed."""

    distribution: str
    module: str
    parts: tuple[str, ...]


POWERTOOLS = Library(
    "aws-lambda-powertools",
    "aws_lambda_powertools",
    # what the handlers import, directly or not: all of it would make the zip half as large again
    (
        "aws_lambda_powertools/__init__.py",
        "aws_lambda_powertools/event_handler",
        "aws_lambda_powertools/exceptions",
        "aws_lambda_powertools/logging",
        "aws_lambda_powertools/metrics",
        "aws_lambda_powertools/middleware_factory",
        "aws_lambda_powertools/package_logger.py",
        "aws_lambda_powertools/shared",
        "aws_lambda_powertools/tracing",
        "aws_lambda_powertools/utilities/__init__.py",
        "aws_lambda_powertools/utilities/batch",
        "aws_lambda_powertools/utilities/data_classes",
        "aws_lambda_powertools/utilities/jmespath_utils",
        "aws_lambda_powertools/utilities/typing",
        "aws_lambda_powertools/warnings",
    ),
)
JMESPATH = Library("jmespath", "jmespath", ("jmespath",))
# setup.py pins both: the same batchctl makes the same zip.
LIBRARIES = (POWERTOOLS, JMESPATH)
STAND_INS = ("typing_extensions.py",)
"""What takes the place of libraries that come with others, in whatever version."""


@dataclasses.dataclass(frozen=True)
class Package:
    """A zip: its bytes and their SHA-256 in base64, as Lambda gives it in `CodeSha256`."""

    content: bytes = dataclasses.field(repr=False)
    sha256: str


@functools.cache
def function_package() -> Package:
    """Return the zip of the functions, built once in a process.

    Raises BatchctlError when a file is missing or the zip is too large for Lambda.
    """
    files = dict(handler_files()) | dict(contract_files()) | dict(stand_ins())
    for library in LIBRARIES:
        files.update(library_files(library))
    content = zip_content(files)
    if len(content) > LARGEST_UPLOAD_BYTES:
        raise BatchctlError(
            f"could not package the functions: the zip has {len(content):,} bytes, and Lambda"
            f" takes at most {LARGEST_UPLOAD_BYTES:,}"
        )
    return Package(content, base64.b64encode(hashlib.sha256(content).digest()).decode())


def handlers_directory() -> Path:
    """Return the folder with the code of the Lambda functions."""
    return deployed("handlers")


def compute_directory() -> Path:
    """Return the folder of the sample: a compute.py, and what it reads."""
    return deployed("compute")


def runner_files() -> Mapping[str, Path]:
    """Return the files of the runner by their names in a folder that `python -P FOLDER` runs.

    It is a package `batchctl` with nothing in it but the runner and the contract.
    """
    package = Path(__file__).parent
    files = {
        f"batchctl/{path.relative_to(package).as_posix()}": path
        for room in ("contract", "runner")
        for path in sorted(sources_in(package / room))
    }
    runner = package / "runner"
    return {
        "__main__.py": runner / "__main__.py",
        # batchctl's own has its version, which would make each release another image.
        "batchctl/__init__.py": runner / "__init__.py",
        **files,
    }


def config_template() -> Path:
    """Return the config.yaml with every setting at its default."""
    return deployed("config.yaml")


def deployed(name: str) -> Path:
    """Return where a part of what is deployed lies; setup.py copies it into what is installed."""
    installed = Path(__file__).parent / "deploy" / name
    checkout = Path(__file__).parents[1] / name
    for path in (installed, checkout):
        if path.exists():
            return path
    raise BatchctlError(
        f"could not find `{name}`: neither `{installed}` nor `{checkout}` exists",
        "install batchctl again",
    )


def handler_files() -> Iterator[tuple[str, Path]]:
    """Yield the name in the zip and the file of each of the handlers' modules."""
    directory = handlers_directory()
    for path in sources_in(directory):
        yield f"handlers/{path.relative_to(directory).as_posix()}", path


def contract_files() -> Iterator[tuple[str, Path]]:
    """Yield the name in the zip and the file of each module of ours that the handlers import.

    They are those of `batchctl.contract`, and of batchctl itself what makes it a package.
    """
    package = Path(__file__).parent
    for path in (package / "__init__.py", *sources_in(package / "contract")):
        yield f"batchctl/{path.relative_to(package).as_posix()}", path


def stand_ins() -> Iterator[tuple[str, Path]]:
    """Yield the name in the zip and the file of each stand-in for a library."""
    folder = Path(__file__).parent / "function_libraries"
    for name in STAND_INS:
        yield name, folder / name


def sources_in(folder: Path) -> Iterator[Path]:
    """Yield the Python files of a folder, without what editors and file managers leave there.

    An editor's lock is `.#name.py`, and macOS writes `._name.py` to file systems of others.
    """
    return (path for path in folder.rglob("*.py") if not path.name.startswith("."))


def library_files(library: Library) -> Iterator[tuple[str, Path]]:
    """Yield the name in the zip and the file of each module of a library, and of its licences."""
    root = installed_in(library)
    for part in library.parts:
        path = root / part
        if not path.exists():
            raise BatchctlError(
                f"could not package the functions: `{library.distribution}` has no `{part}`",
                "install batchctl again, to have the libraries that it was made for",
            )
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            yield file.relative_to(root).as_posix(), file
    yield from licence_files(library.distribution)


def installed_in(library: Library) -> Path:
    """Return the folder that a library is installed in, without importing it."""
    spec = importlib.util.find_spec(library.module)
    if spec is None or spec.origin is None:
        raise BatchctlError(
            f"could not package the functions: `{library.distribution}` is not installed",
            f"run `pip install {library.distribution}`",
        )
    origin = Path(spec.origin)
    return origin.parents[1] if spec.submodule_search_locations else origin.parent


def licence_files(distribution: str) -> Iterator[tuple[str, Path]]:
    """Yield the name in the zip and the file of each licence that a library came with."""
    for file in importlib.metadata.distribution(distribution).files or []:
        if file.name.upper().startswith(("LICENSE", "LICENCE", "NOTICE")):
            yield file.as_posix(), Path(str(file.locate()))


def zip_content(files: dict[str, Path]) -> bytes:
    """Return a zip of these files that depends on their names and contents alone.

    Nothing is compressed: builds of zlib differ in what they make of the same input. Everybody may
    read every file, as Lambda demands (Lambda developer guide, Working with .zip file archives).
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EARLIEST_ZIP_TIME)
            entry.create_system = 3  # Unix, also when built on Windows
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            # A checkout may have the line ends of Windows; there are texts in the zip alone.
            archive.writestr(entry, files[name].read_bytes().replace(b"\r\n", b"\n"))
    return buffer.getvalue()
