"""Licences and the reading of pip-audit's output."""

import json
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.supply_chain.audit import NOT_REACHED, everything_locked, report
from tests.supply_chain.licences import read_policy
from tests.supply_chain.locks import versions_here

POLICY = read_policy()


def declared_by(package: str) -> list[str]:
    metadata = distribution(package).metadata
    classifiers = [one for one in metadata.get_all("Classifier") or [] if one.startswith("License ::")]
    return metadata.get_all("License-Expression") or classifiers or metadata.get_all("License") or []


def test_every_package_that_the_wheel_needs_has_an_allowed_licence() -> None:
    problems = {package: POLICY.problem_of(package, declared_by(package)) for package in versions_here("runtime")}

    assert len(problems) > 50
    assert {package: problem for package, problem in problems.items() if problem} == {}


def test_an_exception_is_for_a_package_that_is_locked_and_needs_it() -> None:
    locked = versions_here("runtime")
    for package, licence in POLICY.exceptions.items():
        assert package in locked
        assert licence not in POLICY.allowed


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        (["MIT"], ""),
        (["Apache-2.0 AND MIT"], ""),
        (["GPL-3.0-only OR MIT"], ""),
        (["License :: OSI Approved :: BSD License", "Apache-2.0"], ""),
        (["MIT", "GPL-3.0-only"], "has the licence GPL-3.0-only"),
        (["GPL-3.0-only AND MIT"], "has the licence GPL-3.0-only AND MIT"),
        (["(MIT OR GPL-3.0-only)"], "has the licence (MIT OR GPL-3.0-only)"),
        (["LGPL-3.0-only"], "has the licence LGPL-3.0-only"),
        ([""], "has the licence "),
        ([], "declares no licence"),
    ],
)
def test_a_licence_is_allowed_by_name(declared: list[str], problem: str) -> None:
    assert POLICY.problem_of("somepackage", declared) == problem


def test_a_licence_in_words_counts_where_the_sbom_leaves_it_out() -> None:
    for package, licence in POLICY.undeclared.items():
        assert declared_by(package) == [licence]
        assert not POLICY.problem_of(package, [])


def test_the_locks_agree_on_versions_so_that_one_audit_covers_them() -> None:
    pinned = {(canonicalize_name(one.name), str(one.specifier)) for one in map(Requirement, everything_locked())}

    assert len(pinned) == len({name for name, _ in pinned})
    assert len(pinned) > len(versions_here("dev"))


FOUND = {"name": "celery", "version": "0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1", "2"]}]}
CLEAN = {"name": "click", "version": "1", "vulns": []}
SKIPPED = {"name": "click", "skip_reason": "not in the database"}


@pytest.mark.parametrize(
    ("packages", "status", "lines"),
    [
        ([CLEAN], 0, ["1 packages audited, 0 known vulnerabilities, 0 not audited"]),
        (
            [CLEAN, FOUND],
            1,
            ["celery 0: PYSEC-1, fixed in 1, 2; in no lock", "2 packages audited, 1 known vulnerabilities, 0 not audited"],
        ),
        (
            [CLEAN, SKIPPED],
            NOT_REACHED,
            [
                "1 packages audited, 0 known vulnerabilities, 1 not audited",
                "NOT AUDITED: 1 of 2 packages: not in the database (click ...)",
            ],
        ),
        (
            [FOUND, SKIPPED],
            1,
            [
                "celery 0: PYSEC-1, fixed in 1, 2; in no lock",
                "1 packages audited, 1 known vulnerabilities, 1 not audited",
                "NOT AUDITED: 1 of 2 packages: not in the database (click ...)",
            ],
        ),
    ],
)
def test_the_audit_says_what_is_known(
    packages: list[dict[str, object]], status: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(json.dumps({"dependencies": packages, "fixes": []}), "") == status
    printed = capsys.readouterr()
    assert (printed.out + printed.err).splitlines() == lines


def test_a_finding_names_the_locks_that_have_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    found = {"name": "click", "version": versions_here("runtime")["click"], "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}

    assert report(json.dumps({"dependencies": [found]}), "") == 1
    assert capsys.readouterr().out.startswith(
        f"click {found['version']}: PYSEC-2, fixed in no release; in browser, chart, dev, docs, fuzz, mutation, runtime\n"
    )


@pytest.mark.parametrize(
    ("errors", "reason"),
    [("WARNING: a\nERROR:pip_audit:Could not connect\n", "ERROR:pip_audit:Could not connect"), ("", "pip-audit wrote nothing")],
)
def test_a_database_that_cannot_be_reached_is_not_a_clean_audit(
    errors: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report("", errors) == NOT_REACHED
    assert capsys.readouterr().err == f"NOT AUDITED: the database of vulnerabilities gave no result: {reason}\n"
