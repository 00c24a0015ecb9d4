"""A progress bar for long loads: where tqdm is installed and somebody is looking."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from . import _native

__all__ = ["watched"]

_PATIENCE_S = 1.0  # a load that takes less shows nothing
_INTERVAL_S = 0.2


def _somebody_looks() -> bool:
    if sys.stderr is not None and sys.stderr.isatty():
        return True
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return running is not None and type(running).__name__ == "ZMQInteractiveShell"


def _bar_class() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm


_NOT_WATCHED: AbstractContextManager[None] = nullcontext()


def watched(
    result: _native.Result, title: Callable[[], str], enabled: bool | None
) -> AbstractContextManager[None]:
    """Show the rows that arrive while the block runs. enabled None: if somebody looks."""
    if not (_somebody_looks() if enabled is None else enabled):
        return _NOT_WATCHED
    return _watched(result, title())


@contextmanager
def _watched(result: _native.Result, title: str) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=_show, args=(result, title, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(result: _native.Result, title: str, done: threading.Event) -> None:
    if done.wait(_PATIENCE_S):
        return
    bar_class = _bar_class()
    if bar_class is None:
        return
    with bar_class(desc=title[:40], unit=" rows", unit_scale=True) as bar:
        while True:
            rows = result.stats()["rows"]
            bar.update(rows - bar.n)
            if done.wait(_INTERVAL_S):
                break
        bar.update(result.stats()["rows"] - bar.n)
