"""Policy documents of every form that AWS takes, and whatever else somebody writes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.buckets import BUCKET_POLICY_NAMES_ITS_READERS as READERS
from policies.documents import NotADocument, is_fixed, statements
from tests.policies.cases.buckets import READ, TLS_ONLY, policy
from tests.policies.judging import judged
from tests.policies.test_values import JSON

NAMES = st.sampled_from(["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/a", "123456789012"])
SOURCES = st.sampled_from(["arn:aws:cloudfront::123456789012:distribution/EDF", "123456789012"])
CONDITIONS = st.fixed_dictionaries(
    {"StringEquals": st.dictionaries(st.sampled_from(["AWS:SourceArn", "aws:sourceaccount"]), SOURCES, min_size=1)}
)
#: Statements that open nothing: of named principals, of a bound service, or denials.
SAFE = st.one_of(
    st.fixed_dictionaries({"Effect": st.just("Allow"), "Principal": st.fixed_dictionaries({"AWS": NAMES})}),
    st.fixed_dictionaries({"Effect": st.just("Allow"), "Principal": st.just("*"), "Condition": CONDITIONS}),
    st.fixed_dictionaries(
        {
            "Effect": st.just("Allow"),
            "Principal": st.fixed_dictionaries({"Service": st.just("cloudfront.amazonaws.com")}),
            "Condition": CONDITIONS,
        }
    ),
    st.fixed_dictionaries({"Effect": st.just("Deny"), "Principal": st.just("*")}),
)
#: Ways to say "everybody".
EVERYBODY = st.sampled_from(["*", ["*"], {"AWS": "*"}, {"AWS": ["*"]}, {"CanonicalUser": "x", "AWS": ["a", "*"]}])
#: Conditions that bind nobody.
UNBINDING = st.sampled_from(
    [
        None,
        {},
        {"StringEquals": {}},
        {"StringEquals": {"aws:SourceArn": "*"}},
        {"StringLike": {"aws:SourceArn": "arn:aws:cloudfront::*"}},
        {"StringEquals": {"aws:SourceArn": ["arn:aws:cloudfront::1:distribution/E", "arn:?"]}},
        {"StringEquals": {"aws:SourceArn": "${aws:PrincipalArn}"}},
        {"StringEqualsIfExists": {"aws:SourceArn": "arn:aws:cloudfront::1:distribution/E"}},
        {"ForAllValues:StringEquals": {"aws:SourceArn": "arn:aws:cloudfront::1:distribution/E"}},
        {"StringNotEquals": {"aws:SourceArn": "arn:aws:cloudfront::1:distribution/E"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ]
)


def findings(found):
    return judged(READERS, policy(policy=json.dumps({"Statement": found}))).findings


@settings(deadline=None)
@given(st.lists(SAFE, min_size=1, max_size=5))
def test_statements_that_open_nothing_open_nothing_together(safe):
    assert findings(safe) == []


@settings(deadline=None)
@given(st.lists(SAFE, max_size=4), EVERYBODY, UNBINDING, st.integers(0, 4))
def test_one_open_statement_among_any_others_is_found_and_numbered(safe, principal, condition, place):
    opened = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*"}
    if condition is not None:
        opened["Condition"] = condition
    found = [*safe[:place], opened, *safe[place:]]
    (said,) = findings(found)
    assert f"statement {found.index(opened) + 1} allows everybody" in said


@settings(deadline=None)
@given(JSON)
def test_whatever_stands_in_a_document_is_read_or_named_as_none(value):
    for written in (value, json.dumps(value)):
        try:
            found = statements(written)
        except NotADocument as error:
            assert str(error)  # noqa: PT017
        else:
            assert found


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition"]), JSON
    )
)
def test_whatever_stands_in_a_statement_is_read_or_named_as_none(statement):
    for effect in ("Allow", "Deny"):
        try:
            (found,) = statements({"Statement": {**statement, "Effect": effect}})
        except NotADocument as error:
            assert "condition" in str(error)  # noqa: PT017
        else:
            assert found.allows is (effect == "Allow")


@settings(deadline=None)
@given(st.text())
def test_a_text_that_is_no_document_is_named_without_being_shown(value):
    with pytest.raises(NotADocument) as raised:
        statements("no" + value)
    assert str(raised.value) == "is no JSON"


def test_too_deep_a_document_is_named_as_none():
    with pytest.raises(NotADocument):
        statements("[" * 100_000)


@pytest.mark.parametrize("one", [READ, [READ]])
def test_a_single_statement_counts_as_a_list_of_one(one):
    assert statements({"Statement": one}) == statements(json.dumps({"Statement": [READ]}))


def test_words_are_lists_and_actions_in_small_letters():
    (found,) = statements({"Statement": {**READ, "Action": "S3:GetObject"}})
    assert found.actions == ("s3:getobject",)
    assert found.resources == ("arn:aws:s3:::content-1/*",)
    assert found.principals == (("Service", "cloudfront.amazonaws.com"),)
    assert found.of("service") == ["cloudfront.amazonaws.com"]
    assert found.conditions == (("stringequals", "aws:sourcearn", tuple(READ["Condition"]["StringEquals"].values())),)


def test_what_is_excluded_counts_as_everything():
    (found,) = statements({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "a"}})
    assert (found.actions, found.resources) == (("*",), ("*",))
    assert not found.names_everybody()


@pytest.mark.parametrize(
    ("given", "principals", "everybody"),
    [
        ({"Principal": "*"}, (("*", "*"),), True),
        ({"Principal": {"AWS": ["a", "*"]}}, (("AWS", "a"), ("AWS", "*")), True),
        ({"Principal": {"AWS": "a", "Service": "b"}}, (("AWS", "a"), ("Service", "b")), False),
        ({"NotPrincipal": {"AWS": "a"}}, (), True),
        ({}, (), False),
    ],
)
def test_who_is_meant_is_read_with_its_kind(given, principals, everybody):
    (found,) = statements({"Statement": {"Effect": "Allow", **given}})
    assert (found.principals, found.names_everybody()) == (principals, everybody)


def test_a_value_is_fixed_unless_it_can_mean_several_things():
    assert is_fixed("arn:aws:iam::1:root")
    assert not any(map(is_fixed, ["", "*", "a*", "a?", "${aws:username}"]))


def test_for_any_value_binds():
    source = {"AWS:SourceArn": "arn:aws:cloudfront::1:distribution/E"}
    assert findings([{**READ, "Condition": {"ForAnyValue:StringEquals": source}}, TLS_ONLY]) == []
