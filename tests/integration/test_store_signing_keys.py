"""Public keys of all gateways, and whose a workload is, on both databases."""

from datetime import timedelta

from store import Store
from tests.factories import SLOT, make_key, make_measurement, make_point, make_ref

HOUR = timedelta(hours=1)


def test_keys_are_listed_until_they_expire_newest_first(database_url: str) -> None:
    store = Store.open(database_url)
    with store.transaction() as rows:
        rows.signing_keys.put("old", {"kid": "old", "n": 1}, created_at=SLOT, expires_at=SLOT + 3 * HOUR)
        rows.signing_keys.put("new", {"kid": "new", "x": ["a", None]}, created_at=SLOT + HOUR, expires_at=SLOT + 4 * HOUR)
        rows.signing_keys.put("new", {"kid": "new", "x": ["b"]}, created_at=SLOT + HOUR, expires_at=SLOT + 4 * HOUR)
    with store.reading() as rows:
        assert rows.signing_keys.valid_at(SLOT + HOUR) == ({"kid": "new", "x": ["b"]}, {"kid": "old", "n": 1})
        assert [found["kid"] for found in rows.signing_keys.valid_at(SLOT + 3 * HOUR)] == ["new"]
        assert rows.signing_keys.valid_at(SLOT + 4 * HOUR) == ()
    store.close()


def test_an_expired_key_is_dropped_when_another_comes(database_url: str) -> None:
    store = Store.open(database_url)
    with store.transaction() as rows:
        rows.signing_keys.put("old", {"kid": "old"}, created_at=SLOT, expires_at=SLOT + HOUR)
        rows.signing_keys.put("new", {"kid": "new"}, created_at=SLOT + HOUR, expires_at=SLOT + 4 * HOUR)
        assert [found["kid"] for found in rows.signing_keys.valid_at(SLOT)] == ["new"]
    store.close()


def test_a_workload_belongs_to_who_claimed_it_in_the_newest_closed_sweep(database_url: str) -> None:
    store = Store.open(database_url)
    later = SLOT + 6 * HOUR
    with store.transaction() as rows:
        assert rows.history.owners_of(make_key("api")) == ()
        for as_of, owners in ((SLOT, ("gone", "shop")), (later, ("shop", "web"))):
            rows.sweeps.open(as_of, opened_at=as_of)
            rows.snapshots.put_all([make_measurement(name, make_point("api"), as_of=as_of) for name in owners])
            rows.sweeps.close(as_of, closed_at=as_of + HOUR)
        rows.sweeps.open(later + 6 * HOUR, opened_at=later)
        rows.snapshots.put_all([make_measurement("open", make_point("api"), as_of=later + 6 * HOUR)])
    with store.reading() as rows:
        assert rows.history.owners_of(make_key("api")) == (make_ref("shop"), make_ref("web"))
        assert rows.history.owners_of(make_key("api", cluster="another")) == ()
        assert rows.history.owners_of(make_key("other")) == ()
    store.close()
