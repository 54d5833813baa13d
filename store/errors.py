"""What can go wrong with the database, each one sentence for the person on call. None holds a password.

```
StoreUnavailable      it cannot be reached, opened or written
SchemaMismatch
├── SchemaTooOld      PostgreSQL waits for `scaleops-worker migrate`
└── SchemaTooNew      a newer scaleops-worker has been here
SweepClosed           a closed sweep never changes
```
"""

from __future__ import annotations


class StoreUnavailable(Exception):
    """The database cannot be reached, opened or written."""


class SchemaMismatch(Exception):
    """The tables are not those of this version."""


class SchemaTooOld(SchemaMismatch):
    """The tables are missing or of an older version, and only a person may change them."""


class SchemaTooNew(SchemaMismatch):
    """The tables are of a newer version than this code."""


class SweepClosed(Exception):
    """Somebody wanted to add to a sweep that is closed, or was never opened."""
