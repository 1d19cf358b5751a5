"""Run compiled functions from numba's cache only, so that every process executes the same code.

What numba compiles in a process is not what it loads from its cache later. A cached function has its own
copies of those it calls, optimised for it; in the process that compiles, the linker takes the copies compiled
first, each by itself. With fastmath the two round differently. So a process of its own compiles, and all
others load. (numba 0.68: the copies are weak symbols of one name; the first that is linked counts.)
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.event import Listener, install_listener

from negspace.errors import StoreError
from negspace.store import locked

_LOCK = threading.Lock()
_CONFIG: Any = numba.config  # its attributes are set when it is imported


def cached(function: Callable[..., object], options: Mapping[str, Any]) -> Any:
    """Make a numba function that is cached on disk; where no folder can be written, in a temporary one."""
    try:
        return numba.njit(**options, cache=True)(function)
    except RuntimeError:  # the installation and the home are both read-only
        warnings.warn(
            "numba can keep no compiled code, so the LSTM engine is compiled anew (half a minute):"
            " set NUMBA_CACHE_DIR to a folder that you may write to",
            RuntimeWarning,
            stacklevel=2,
        )
        folder = tempfile.mkdtemp(prefix="negspace-numba-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        # Processes started from here share it.
        os.environ["NUMBA_CACHE_DIR"] = _CONFIG.CACHE_DIR = folder
        return numba.njit(**options, cache=True)(function)


def load(functions: Sequence[Any], call: Callable[[], None]) -> None:
    """Load functions made by `cached`; if one is not in the cache, another process compiles all first.

    ``call`` calls each once, with small arguments of the types that they will get; it is found by its name in
    its module. From then on they take these types only, and anything else raises a TypeError. If several
    processes ask, one has them compiled and the others wait.

    Raises:
        StoreError: If the functions cannot be compiled or not be kept.
    """
    if _CONFIG.DISABLE_JIT:
        return
    with _LOCK, ExitStack() as held:
        with suppress(StoreError):  # a file system without locks: at worst two compile the same
            held.enter_context(locked(Path(functions[0].stats.cache_path) / "kernel", wait=True))
        if not _is_cached(functions, call):
            failed = _compile_elsewhere(call)
            if not _is_cached(functions, call):
                got = failed or f"nothing in {functions[0].stats.cache_path}"
                hint = "set NUMBA_CACHE_DIR to a folder with space that you may write to"
                raise StoreError(
                    "the LSTM engine cannot be compiled, or its code cannot be kept", got=got, hint=hint
                )
        for function in functions:
            function.disable_compile()


def _is_cached(functions: Sequence[Any], call: Callable[[], None]) -> bool:
    """Load from the cache, and stop where numba would go on to compile."""
    try:
        with install_listener("numba:compile", _Stop(functions)):
            call()
    except _NotCachedError:
        return False
    return True


def _compile_elsewhere(call: Callable[[], None]) -> str:
    """Compile in a new process; the last line it printed if it failed."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        # Of a cache that holds some of the functions, none is used: all come from one compilation.
        "from numba.core.caching import FunctionCache; FunctionCache.load_overload = lambda *_: None\n"
        f"from {call.__module__} import {call.__name__} as call; call()"
    )
    environment = dict(os.environ)
    if _CONFIG.CACHE_DIR:
        environment["NUMBA_CACHE_DIR"] = _CONFIG.CACHE_DIR
    done = subprocess.run(  # noqa: S603 (this interpreter, this module)
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


class _NotCachedError(Exception):
    pass


class _Stop(Listener):
    def __init__(self, functions: Sequence[Any]) -> None:
        self._functions = functions

    def on_start(self, event: Any) -> None:
        if any(event.data["dispatcher"] is function for function in self._functions):
            raise _NotCachedError

    def on_end(self, event: Any) -> None:
        pass
