"""A deployment's own credential, read again while we run."""

import json

import jwt
import pytest
from tests.builders import DictSecrets
from tests.wire.test_google_jwt import file

from triplegate.config.documents_llm import AwsAuth, ProviderAuth
from triplegate.core.clock import SetClock
from triplegate.gates.llm.credentials import Credential

GOOGLE = ProviderAuth(google=True)
BEARER, HEADER = ProviderAuth(bearer=True), ProviderAuth(header="api-key")


def credential(values, auth=BEARER, reference="file:key", clock=None, changed=lambda: None):
    return Credential(auth, reference, DictSecrets(values), (clock or SetClock()).now, changed)


def test_it_travels_as_the_provider_takes_it():
    assert credential({"file:key": "sk"}).line == (b"authorization", b"Bearer sk")
    assert credential({"file:key": "sk"}, HEADER).line == (b"api-key", b"sk")
    assert (credential({}, None).line, credential({}, None).missing) == (None, "")


def test_a_file_is_read_again_after_some_seconds_and_a_new_value_is_told():
    values, clock, told = {"file:key": "old"}, SetClock(), []
    one = credential(values, clock=clock, changed=lambda: told.append(1))
    values["file:key"] = "new"
    assert one.fresh() == (b"authorization", b"Bearer old")
    clock.advance(5.0)
    assert one.fresh() == (b"authorization", b"Bearer new")
    assert told == [1]
    assert one.again() is False
    assert told == [1]


def test_what_is_not_there_may_come_and_says_what_it_is_until_then():
    values, clock = {"file:other": "x"}, SetClock()
    one = credential(values, clock=clock)
    assert (one.missing, one.line) == ("no credential at file:key", None)
    values["file:key"] = "sk"
    clock.advance(5.0)
    assert one.missing == ""
    assert credential({}, reference=None).missing == "no key is configured"


@pytest.mark.parametrize("value", ["", "a\r\nx-admin: 1", "a\nb"])
def test_what_would_be_no_field_value_is_not_sent(value):
    assert credential({"file:key": value}).line is None


def token(one):
    name, value = one.line
    assert name == b"authorization"
    return jwt.decode(value.removeprefix(b"Bearer "), options={"verify_signature": False})


@pytest.mark.parametrize("reference", ["file:key", "env:KEY"])
def test_a_service_account_of_googles_signs_a_token_and_another_before_it_ends(reference):
    clock, told = SetClock(wall=1_790_000_000.0), []
    values = {reference: file()}
    secrets = DictSecrets(values)
    one = Credential(GOOGLE, reference, secrets, clock.now, lambda: told.append(1), clock.wall)
    first = token(one)
    clock.advance(2999.0)
    one.fresh()
    assert token(one) == first
    clock.advance(2.0)
    assert one.missing == ""
    assert token(one)["iat"] == first["iat"] + 3001
    assert token(one)["exp"] - clock.wall() > 3000
    assert told == [], "the account is the same"


@pytest.mark.parametrize("value", ["sk-1234", file(private_key="none"), "{}"])
def test_what_is_no_service_account_is_missing_until_it_is_replaced(value):
    clock, values = SetClock(wall=1_790_000_000.0), {"file:key": value}
    one = Credential(GOOGLE, "file:key", DictSecrets(values), clock.now, wall=clock.wall)
    assert (one.line, one.missing) == (None, "no key of a service account at file:key")
    values["file:key"] = file()
    clock.advance(5.0)
    assert one.missing == ""
    assert token(one)["iss"] == "gate@ours.iam.gserviceaccount.com"
    values["file:key"] = value
    clock.advance(5.0)
    assert one.missing, "a token of an account that is no longer ours is not sent on"
    assert one.line is None


PARTS = ProviderAuth(aws=AwsAuth(region="eu-west-1", id="file:id", token="file:token"))
WHOLE = ProviderAuth(aws=AwsAuth(region="eu-west-1"))
IN_PARTS = {"file:key": "secret", "file:id": "AKID", "file:token": "hours"}
EXPORTED = {"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "secret", "SessionToken": "hours"}


def signature(one):
    return one.signer("POST", b"/model/m/converse", [(b"host", b"a.example")], b"{}")


def test_an_access_key_may_be_one_text_or_stand_in_parts():
    parts = credential(dict(IN_PARTS), PARTS)
    whole = credential({"file:key": json.dumps(EXPORTED)}, WHOLE)
    assert parts.line is whole.line is None
    assert parts.missing == whole.missing == ""
    assert signature(parts) == signature(whole)
    assert (b"x-amz-security-token", b"hours") in signature(whole)
    assert b"/eu-west-1/bedrock/aws4_request" in dict(signature(whole))[b"authorization"]


@pytest.mark.parametrize("part", IN_PARTS)
def test_an_access_key_is_another_with_each_of_its_parts(part):
    values, clock, told = dict(IN_PARTS), SetClock(), []
    one = credential(values, PARTS, clock=clock, changed=lambda: told.append(1))
    before = signature(one)
    values[part] = "new"
    clock.advance(5.0)
    assert one.missing == ""
    assert signature(one) != before
    assert told == [1]
    del values[part]
    clock.advance(5.0)
    assert (one.missing, one.signer) == ("no access key at file:key", None)


@pytest.mark.parametrize(
    "value",
    ["", "secret", "{}", "[]", '{"AccessKeyId":"AKID"}', json.dumps(EXPORTED | {"SessionToken": "a\r\nx-admin: 1"})],
)
def test_what_is_no_access_key_signs_nothing(value):
    one = credential({"file:key": value}, WHOLE)
    assert (one.signer, one.line, one.missing) == (None, None, "no access key at file:key")
