"""A row that could not be read takes a place among the workloads of its owner, with what is known of it."""

import pytest

from domain.workload import UNREADABLE, SetAsideRow, WorkloadKey
from tests.factories import CHECKOUT


@pytest.mark.parametrize(
    ("known", "cluster", "namespace", "kind"),
    [
        ({}, UNREADABLE, UNREADABLE, UNREADABLE),
        ({"cluster": "east"}, "east", UNREADABLE, UNREADABLE),
        ({"namespace": "shop"}, UNREADABLE, "shop", UNREADABLE),
        ({"type": "Deployment"}, UNREADABLE, UNREADABLE, "Deployment"),
    ],
)
def test_its_key_has_what_could_be_read(known: dict[str, str], cluster: str, namespace: str, kind: str) -> None:
    row = SetAsideRow(label="row 3", reason="replicas is a text", **known)

    assert str(row) == "row 3: replicas is a text"
    assert row.key_for(CHECKOUT) == WorkloadKey(
        cluster=cluster, namespace=namespace, type=kind, name=f"{UNREADABLE} row 3 of component:default/checkout"
    )
    assert not row.key_for(CHECKOUT).is_identified
