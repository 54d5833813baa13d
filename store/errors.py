"""Errors of the store. Each message is one sentence for the person on call, without the password.

```
StoreUnavailable      the database cannot be reached, opened or written
└── InvalidDatabaseUrl (store.urls)
SchemaMismatch
├── SchemaTooOld      run `scaleops-worker migrate`
├── SchemaTooNew      a newer scaleops-worker migrated it
└── SchemaNotOurs     another application's tables, or another encoding
SweepClosed           nothing can be added to a closed sweep
```
"""

from __future__ import annotations


class StoreUnavailable(Exception):
    """The database cannot be reached, opened or written."""


class SchemaMismatch(Exception):
    """The tables are those of another version."""


class SchemaTooOld(SchemaMismatch):
    """The tables are missing or of an older version and are migrated by hand only."""


class SchemaTooNew(SchemaMismatch):
    """The tables are of a newer version."""


class SchemaNotOurs(SchemaMismatch):
    """The database belongs to another application, or cannot hold our text."""


class SweepClosed(Exception):
    """The sweep is closed, or was never opened."""
