"""A function and what it refers to as a compute folder in a zip, the same bytes for the same code.

cloudpickle takes what is defined in a script or a notebook by value, and what can be imported by
its name. So modules that lie beside the script are taken by value as well: tasks don't have them.
Packages that are installed here have to be in the image, too.
"""

from __future__ import annotations

import inspect
import io
import json
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from batchctl.application.function import Function
from batchctl.contract.shipped_code import MAX_BYTES
from batchctl.errors import UsageError

_MADE_AT = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can have."""

_PROTOCOL = 5
_COMPUTE = Path(__file__).with_name("compute.py")
_INSIDE_HINT = (
    "open connections, files, locks and clients in the function itself, or in `setup`, whose value "
    "the function gets as its third argument"
)


def packed(code: Function) -> bytes:
    """Return the zip; UsageError where the function can't be called as tasks call it, or shipped.

    That is: it takes something else than one to three arguments, it refers to what exists in this
    process alone (a lock, an open file), or it is too large.
    """
    arguments = _arguments(code)
    files = {
        "compute.py": _COMPUTE.read_bytes(),
        "function.pickle": _pickled(code),
        "made_by.json": _made_by(arguments),
        **dict(_cloudpickle()),
    }
    content = _zipped(files)
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"could not ship {_name(code.function)}: with what it refers to it has "
            f"{len(content) / 2**20:.1f} MiB, and at most {MAX_BYTES // 2**20} go along with a job",
            hint="large data goes into items or parameters, a file in compute/, or S3",
        )
    return content


def _arguments(code: Function) -> int:
    """Return how many arguments the function is called with.

    As many as it must have, and those after them that are called as ours are: what else has a
    default keeps it.
    """
    if not callable(code.function):
        raise UsageError(f"could not ship {code.function!r}: it is no function")
    try:
        signature = inspect.signature(code.function)
    except (TypeError, ValueError):  # written in C: such take what they are made for
        return 1
    count = _count(signature)
    if count is None or count > len(_GIVEN) - (code.setup is None):
        raise UsageError(
            f"could not ship {_name(code.function)}: it is called as `(item)`, "
            "`(item, parameters)` or, with a `setup`, `(item, parameters, context)`, and it is "
            f"`{_name(code.function)}{signature}`"
        )
    return count


def _count(signature: inspect.Signature) -> int | None:
    """Return how many of our arguments a function takes; None where that can't be all it needs."""
    given = signature.parameters.values()
    positional = [each for each in given if each.kind in _POSITIONAL]
    must = [each for each in given if each.default is each.empty and each.kind not in _VARIADIC]
    takes_any = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in given)
    if any(each.kind not in _POSITIONAL for each in must) or not (positional or takes_any):
        return None
    count = max(len(must), 1)
    while count < min(len(positional), len(_GIVEN)) and positional[count].name == _GIVEN[count]:
        count += 1
    return count


_GIVEN = ("item", "parameters", "context")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _name(function: object) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _pickled(code: Function) -> bytes:
    with _by_value(_own_modules(code)):
        try:
            return _dumped({"function": code.function, "setup": code.setup})
        except Exception as error:
            # Whatever the objects that it refers to raise when they are pickled.
            raise UsageError(
                f"could not ship {_name(code.function)}: {type(error).__name__}: {error}",
                hint=_INSIDE_HINT,
            ) from error


def _dumped(content: object) -> bytes:
    made = io.BytesIO()
    _Pickler(made).dump(content)
    return _numbered(made.getvalue())


def _numbered(pickled: bytes) -> bytes:
    """Return a pickle whose classes have numbers where cloudpickle draws a random id for each.

    By that it knows a class again that it gets in two pickles; a task loads one.
    """
    drawn = cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.values()  # noqa: SLF001
    ids = [each.encode() for each in list(drawn) if each.encode() in pickled]
    for number, each in enumerate(sorted(ids, key=pickled.index)):
        pickled = pickled.replace(each, b"%032x" % number)
    return pickled


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    """cloudpickle's, but for what of code is another thing in another process.

    The sets among its constants (`x in {"A", "B"}`) have another order: they are written as what is
    sorted. The name of its file is the module's `__file__` itself where Python has just compiled
    it, and another string where it has read it compiled: a pickle shows which, so it is always
    another one.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self._filenames: dict[str, str] = {}

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _Sorted):
            return frozenset, (obj.members,)
        if isinstance(obj, CodeType):
            make, given = self.dispatch_table[CodeType](obj)
            return make, tuple(self._same(each, obj) for each in given)
        return super().reducer_override(obj)

    def _same(self, value: Any, code: CodeType) -> Any:
        """Return an argument that makes code as it is in every process."""
        if value is code.co_consts:
            return _ordered(value)
        if value is code.co_filename:
            return self._filenames.setdefault(value, "".join((value[:1], value[1:])))
        return value


class _Sorted:
    """Stands for a set while it is pickled."""

    def __init__(self, members: frozenset[Any]) -> None:
        self.members = tuple(sorted(members, key=repr))


def _ordered(constants: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_Sorted(each) if isinstance(each, frozenset) else each for each in constants)


@contextmanager
def _by_value(modules: Sequence[ModuleType]) -> Iterator[None]:
    """Have cloudpickle take what these modules define along."""
    with ExitStack() as undo:
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
            undo.callback(cloudpickle.unregister_pickle_by_value, module)
        yield


def _own_modules(code: Function) -> list[ModuleType]:
    """Return the loaded modules that are the user's: neither installed nor Python's own."""
    roots = {Path.cwd(), *(_folder_of(each) for each in (code.function, code.setup) if each)}
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main:
        roots.add(Path(main).resolve().parent)
    known = set(cloudpickle.list_registry_pickle_by_value())
    return [
        module
        for name, module in sorted(sys.modules.items())
        if name != "__main__" and name not in known and _is_below(module, roots)
    ]


def _folder_of(function: Callable[..., Any]) -> Path:
    """Return the folder that the outermost package of a function's module lies in."""
    module = sys.modules.get(getattr(function, "__module__", "") or "")
    file = getattr(module, "__file__", None)
    if module is None or not file:
        return Path.cwd()
    depth = module.__name__.count(".") + (Path(file).name == "__init__.py")
    return Path(file).resolve().parents[depth]


def _is_below(module: ModuleType, roots: set[Path]) -> bool:
    file = getattr(module, "__file__", None)
    if not file or module.__name__.partition(".")[0] in {"batchctl", "cloudpickle"}:
        return False
    path = Path(file).resolve()
    installed = "site-packages" in path.parts or "dist-packages" in path.parts
    return not installed and not _is_pythons(path) and any(map(path.is_relative_to, roots))


def _is_pythons(path: Path) -> bool:
    return path.is_relative_to(Path(sysconfig.get_paths()["stdlib"]).resolve())


def _made_by(arguments: int) -> bytes:
    made_by = {"python": list(sys.version_info[:2]), "arguments": arguments}
    return json.dumps(made_by, sort_keys=True).encode()


def _cloudpickle() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the cloudpickle that is here: what it wrote, no other reads for sure."""
    folder = Path(cloudpickle.__file__).parent
    for file in sorted(folder.glob("*.py")):
        yield f"packages/cloudpickle/{file.name}", file.read_bytes()


def _zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip that has nothing of the time and the machine it was made at."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _MADE_AT)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return made.getvalue()
