"""What both connectors stand on: a native connector, its threads, and calls that can be stopped.

A synchronous call runs in the thread that makes it: a hand-over to another thread costs more than
a small query. For coroutines it runs in a thread of the connector's own. Whoever waits can give
up, by a KeyboardInterrupt or by canceling a task; the query is then canceled in the hub, not just
forgotten.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from . import _native
from .errors import CanceledError, ConfigurationError, CredentialError, InterfaceError
from .options import milliseconds
from .types import checked_text

__all__ = ["Engine", "Operation", "connector_options"]

T = TypeVar("T")

logger = logging.getLogger("instant_connector")

# InstantLogLevel
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
# How long a canceled call may take to come back before nobody waits for it any more.
_CANCEL_GRACE_S = 5.0
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
# What users call libpq's keywords.
_HUB_KEYWORDS = {"database": "dbname", "username": "user", "db": "dbname"}
# Calls of the main thread that a Ctrl-C may stop; 0 ends the thread that listens.
_numbers = itertools.count(1)
_HUB_OPTIONS = ("pool_size", "pool_timeout_ms", "connect_timeout_ms", "query_timeout_ms", "home")


def _log_line(level: int, line: str) -> None:
    logger.log(_LEVELS[level] if 0 <= level < len(_LEVELS) else logging.INFO, "%s", line)


class Operation:
    """One call that is under way, and how to stop it from another thread."""

    def __init__(self) -> None:
        self.call = _native.Call()
        self._lock = threading.Lock()
        self._result: _native.Result | None = None
        self._is_canceled = False

    def watch(self, result: _native.Result) -> _native.Result:
        """From now on a cancel goes to this result too."""
        with self._lock:
            self._result = result
            is_canceled = self._is_canceled
        if is_canceled:
            result.cancel()
        return result

    def check(self) -> None:
        if self._is_canceled:
            raise CanceledError("the call was canceled")

    @property
    def result(self) -> _native.Result | None:
        return self._result

    def cancel(self) -> None:
        with self._lock:
            self._is_canceled = True
            result = self._result
        self.call.cancel()
        if result is not None:
            result.cancel()

    def give_up(self) -> None:
        """Cancel, and close what nobody will read on: its connection is free again."""
        self.cancel()
        if self._result is not None:
            self._result.close()


class _Interrupts:
    """Cancels what the main thread waits for when a Ctrl-C comes; native/interrupts.c has the rest.

    The signal's handler writes the number of the call into a pipe, a thread reads it there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._operation: Operation | None = None
        self._pipe: tuple[int, int] | None = None
        self._is_closed = False

    def begin(self, operation: Operation) -> bool:
        """Watch from now on. False: the caller has to wait in Python for its handlers to run."""
        if self._pipe is None:
            self._pipe = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._pipe[1], False)
            threading.Thread(
                target=self._listen, args=(self._pipe[0],), daemon=True, name="instant-interrupts"
            ).start()
        number = next(_numbers)
        with self._lock:
            outer = self._number, self._operation
            self._number, self._operation = number, operation
        if _native.interrupts_begin(self._pipe[1], number):
            return True
        with self._lock:
            self._number, self._operation = outer
        return False

    def end(self) -> None:
        """Watch no more; raises the KeyboardInterrupt that came."""
        try:
            _native.interrupts_end()
        finally:
            with self._lock:
                self._operation = None
                if self._is_closed:
                    self._shut()

    def close(self) -> None:
        """End the thread; the pipe stays while a signal's handler may still write to it."""
        with self._lock:
            self._is_closed = True
            if self._operation is None:
                self._shut()

    def _shut(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.write(pipe[1], bytes(8))
            os.close(pipe[1])

    def _listen(self, pipe: int) -> None:
        while number := int.from_bytes(os.read(pipe, 8), sys.byteorder):
            with self._lock:
                operation = self._operation if number == self._number else None
            if operation is not None:
                operation.cancel()
        os.close(pipe)


class Engine:
    """A native connector with threads to wait in. Safe for many threads and event loops at once."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.native = _native.Connector(options, _log_line)
        self._threads = ThreadPoolExecutor(
            max_workers=int(options.get("pool_size") or 10),
            thread_name_prefix="instant-connector",
        )
        self._lock = threading.Lock()
        self._operations: set[Operation] = set()
        self._interrupts = _Interrupts()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def _perform(self, operation: Operation, work: Callable[[Operation], T]) -> T:
        with self._lock:
            if self._is_closed:
                raise InterfaceError("the connector is closed")
            self._operations.add(operation)
        try:
            operation.check()
            return work(operation)
        finally:
            with self._lock:
                self._operations.discard(operation)

    def _submit(self, operation: Operation, work: Callable[[Operation], T]) -> Future[T]:
        if self._is_closed:
            raise InterfaceError("the connector is closed")
        try:
            return self._threads.submit(self._perform, operation, work)
        except RuntimeError as error:  # shut down between the check and here
            raise InterfaceError("the connector is closed") from error

    def run(self, work: Callable[[Operation], T]) -> T:
        """Do the work and wait for it; a KeyboardInterrupt cancels it first."""
        operation = Operation()
        if threading.get_ident() != threading.main_thread().ident:
            return self._perform(operation, work)
        if self._is_closed or not self._interrupts.begin(operation):
            return self._run_in_thread(operation, work)
        try:
            try:
                return self._perform(operation, work)
            finally:
                self._interrupts.end()
        except Exception:
            raise
        except BaseException:
            operation.give_up()
            raise

    def _run_in_thread(self, operation: Operation, work: Callable[[Operation], T]) -> T:
        """For a main thread whose signals have handlers: they run while it waits here."""
        future = self._submit(operation, work)
        try:
            return future.result()
        except BaseException as error:
            if not future.done():
                future.cancel()
                operation.cancel()
                _wait_briefly(future)
            raise error

    async def run_async(self, work: Callable[[Operation], T]) -> T:
        """The same for a coroutine: when its task is canceled, the query is too."""
        operation = Operation()
        future = self._submit(operation, work)
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not future.cancel():
                # The request to cancel goes over the network: not in the event loop either.
                threading.Thread(target=operation.cancel, daemon=True).start()
                await asyncio.wait({waiting}, timeout=_CANCEL_GRACE_S)
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # it was asked for: no "never retrieved"
            raise

    def close(self) -> None:
        """Cancel what is under way and let go of everything; a second time does nothing."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            operations = list(self._operations)
        for operation in operations:
            operation.cancel()
        self.native.close()
        self._threads.shutdown(wait=False)
        self._interrupts.close()

    def __del__(self) -> None:
        if hasattr(self, "_interrupts"):
            self._interrupts.close()


def _wait_briefly(future: Future[Any]) -> None:
    try:
        future.exception(timeout=_CANCEL_GRACE_S)
    except BaseException:  # noqa: BLE001 - the interrupt that is being raised says it all
        pass


_TIMES = ("pool_timeout", "connect_timeout", "query_timeout")


def connector_options(
    config_path: Any = None,
    config: Any = None,
    postgres_config: Any = None,
    schema_path: Any = None,
    credential_manager: Any = None,
    **settings: Any,
) -> dict[str, Any]:
    """The options of instant_open for what a connector was made with; times are in seconds."""
    options: dict[str, Any] = {}
    for name, value in settings.items():
        if value is None:
            continue
        if name in _TIMES:
            options[f"{name}_ms"] = milliseconds(value, name)
        else:
            options[name] = str(value) if name == "home" else value
    if config is not None and config_path is not None:
        raise ConfigurationError("give config or config_path, not both")
    if config_path is not None:
        options["config_path"] = _path_text(config_path, "config_path")
    if config is not None:
        options["config_text"] = _config_text(config)
    if schema_path is not None:
        options["schema_path"] = _path_text(schema_path, "schema_path")
    _add_hub(options, postgres_config)
    _add_credentials(options, credential_manager)
    return options


def _path_text(path: Any, what: str) -> str:
    try:
        return checked_text(os.fsdecode(os.fspath(path)), what)
    except TypeError:
        raise ConfigurationError(
            f"{what} has to be a path, not {type(path).__qualname__}"
        ) from None


def _config_text(config: Any) -> str:
    if isinstance(config, str):
        return checked_text(config, "config")
    if not isinstance(config, Mapping):
        raise ConfigurationError(
            f"config has to be a dict or YAML text, not {type(config).__qualname__}"
        )
    try:
        return json.dumps(config, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"config cannot be written as JSON: {error}") from error


def _add_hub(options: dict[str, Any], postgres_config: Any) -> None:
    if postgres_config is None:
        return
    if isinstance(postgres_config, str):
        options["hub_url"] = checked_text(postgres_config, "postgres_config")
        return
    if not isinstance(postgres_config, Mapping):
        raise ConfigurationError(
            f"postgres_config has to be a dict or a URL, not {type(postgres_config).__qualname__}"
        )
    for name, value in postgres_config.items():
        if name in ("url", "dsn", "uri"):
            options["hub_url"] = value
        elif name in _HUB_OPTIONS:
            options.setdefault(name, value)
        else:
            options[f"hub.{_HUB_KEYWORDS.get(name, name)}"] = value


def _add_credentials(options: dict[str, Any], manager: Any) -> None:
    """Ask the manager for every ${NAME} of the configuration; what it lacks, the environment has."""
    if manager is None:
        return
    ask = _asking(manager)
    names: set[str] = set(_VARIABLE.findall(options.get("config_text", "")))
    for key in ("config_path", "schema_path"):
        if key in options:
            names.update(_VARIABLE.findall(_read_quietly(options[key])))
    for name in sorted(names):
        value = _credential(ask, name)
        if value is not None:
            options[f"env.{name}"] = value


def _read_quietly(path: str) -> str:
    """The text of a file; one that cannot be read is reported when the configuration is."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _asking(manager: Any) -> Callable[[str], Any]:
    ask = getattr(manager, "get_credential", None) or getattr(manager, "get", None)
    if ask is None and callable(manager):
        ask = manager
    if ask is None:
        raise ConfigurationError(
            "credential_manager needs a method get_credential(name) or get(name), or to be callable"
        )
    return ask


def _credential(ask: Callable[[str], Any], name: str) -> Any:
    try:
        return ask(name)
    except (KeyError, LookupError):
        return None
    except Exception as error:
        raise CredentialError(
            f'credential_manager failed for "{name}" ({type(error).__name__})'
        ) from error
