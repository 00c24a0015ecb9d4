"""Exceptions: PEP 249's tree, and below it what a federated query can run into.

The C core decides the class from one table (status, then SQLSTATE); every exception carries
what is known: ``sqlstate``, ``source`` (the foreign server), ``remote_sql`` and ``hint``.
"""

from __future__ import annotations

__all__ = [
    "CanceledError",
    "ConfigurationError",
    "CredentialError",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "QueryTimeoutError",
    "Warning",
]


class Warning(Exception):  # noqa: A001 - the name is PEP 249's
    """Something important that is not an error."""


class Error(Exception):
    """Base of everything that this package raises."""

    sqlstate: str | None = None
    source: str | None = None
    remote_sql: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}\nhint: {self.hint}" if self.hint else text


class InterfaceError(Error):
    """The package is used in a way it cannot work: a closed connector, a type that cannot be sent."""


class DatabaseError(Error):
    """Something went wrong on the way to the data."""


class DataError(DatabaseError):
    """A value does not fit: out of range, lossy, malformed (SQLSTATE class 22)."""


class OperationalError(DatabaseError):
    """The hub or a source cannot be reached or stopped answering (classes 08, 53, 57, 58, HV)."""


class IntegrityError(DatabaseError):
    """A constraint was violated (class 23)."""


class InternalError(DatabaseError):
    """The hub contradicts itself (class XX), or its transaction is in a wrong state (24, 25)."""


class ProgrammingError(DatabaseError):
    """An unknown table or column, a syntax error, a missing privilege (class 42)."""


class NotSupportedError(DatabaseError):
    """Valid, but not here (class 0A)."""


class ConfigurationError(InterfaceError):
    """The configuration is wrong; the message has every error with file, line and column."""


class CredentialError(OperationalError):
    """A user name or password was refused (class 28), or could not be found."""


class CanceledError(OperationalError):
    """The query was canceled."""


class QueryTimeoutError(OperationalError):
    """The query took longer than its time limit."""
