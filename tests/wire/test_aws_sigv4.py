"""Signatures of Amazon's requests, compared with what botocore's SigV4Auth made of the same requests."""

import pytest

from triplegate.core.http import Headers
from triplegate.wire.aws_sigv4 import AwsKey, amz_date, checked, read_key, sign

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = AwsKey("AKIDEXAMPLE", SECRET)
DATE = "20261124T123045Z"
JSON = (b"content-type", b"application/json")


def line(headers: Headers) -> tuple[str, str, str]:
    """Region's scope, signed names and signature of the authorization."""
    (value,) = [value.decode() for name, value in headers if name == b"authorization"]
    algorithm, credential, names, signature = value.replace(",", "").split(" ")
    assert algorithm == "AWS4-HMAC-SHA256"
    return credential.removeprefix("Credential="), names.removeprefix("SignedHeaders="), signature.partition("=")[2]


def test_a_call_of_a_model_is_signed_as_botocore_does():
    target = b"/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    headers = [(b"host", b"bedrock-runtime.us-east-1.amazonaws.com"), JSON]
    added = sign(KEY, "us-east-1", "bedrock", "POST", target, headers, b'{"messages":[]}', DATE)
    assert [name for name, _ in added] == [b"x-amz-date", b"authorization"]
    assert line(added) == (
        "AKIDEXAMPLE/20261124/us-east-1/bedrock/aws4_request",
        "content-type;host;x-amz-date",
        "403093fe7010abe80d35a2ef39efae6b510638885beaf02d46731bd587528f45",
    )


def test_an_arn_is_encoded_twice_blanks_are_one_and_the_session_token_is_signed():
    target = (
        b"/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A000000000000%3Aapplication-inference-profile%2Fabc~1"
        b"/converse-stream"
    )
    headers = [
        (b"host", b"bedrock-runtime.eu-central-1.amazonaws.com"),
        JSON,
        (b"accept", b"application/vnd.amazon.eventstream"),
        (b"x-amzn-bedrock-thing", b"  two   words "),
    ]
    key = AwsKey("AKIDEXAMPLE", SECRET, "TOKEN/with+signs==")
    added = sign(key, "eu-central-1", "bedrock", "POST", target, headers, '{"text":"äöü"}'.encode(), DATE)
    assert (b"x-amz-security-token", b"TOKEN/with+signs==") in added
    assert line(added) == (
        "AKIDEXAMPLE/20261124/eu-central-1/bedrock/aws4_request",
        "accept;content-type;host;x-amz-date;x-amz-security-token;x-amzn-bedrock-thing",
        "5937d678a9a8b9f9cc9ed73aed5910d1e640de6bba72ae3a7a52a5e1286bbd86",
    )


def test_a_query_is_signed_in_the_order_of_its_names():
    target = b"/foundation-models?byProvider=amazon&byOutputModality=TEXT"
    headers = [(b"host", b"bedrock.us-west-2.amazonaws.com")]
    _, _, signature = line(sign(KEY, "us-west-2", "bedrock", "GET", target, headers, b"", DATE))
    assert signature == "7f38660b75d998ae0761001f5c5a8163f3087716aa025061258b64fce7300939"


def test_a_bare_root_with_a_port_is_signed_and_what_changes_on_the_way_is_not():
    headers = [(b"host", b"127.0.0.1:8080"), JSON, (b"user-agent", b"x"), (b"traceparent", b"00-1"), (b"expect", b"y")]
    _, names, signature = line(sign(KEY, "us-east-1", "bedrock", "POST", b"/", headers, b"", DATE))
    assert names == "content-type;host;x-amz-date"
    assert signature == "118ca514267122731a4ca95c29fa5cdfc28187fa43bdb5e7e7c04f5c23f6071a"


@pytest.mark.parametrize("change", ["secret", "region", "method", "target", "host", "body", "date"])
def test_whatever_is_changed_changes_the_signature(change: str):
    def signature(other: str = "") -> str:
        key = AwsKey("AKIDEXAMPLE", "other" if other == "secret" else SECRET)
        host = b"b.example" if other == "host" else b"a.example"
        return line(
            sign(
                key,
                "eu-west-1" if other == "region" else "us-east-1",
                "bedrock",
                "PUT" if other == "method" else "POST",
                b"/b" if other == "target" else b"/a",
                [(b"host", host)],
                b"2" if other == "body" else b"1",
                "20261125T123045Z" if other == "date" else DATE,
            )
        )[2]

    assert signature() == signature()
    assert signature(change) != signature()


def test_a_key_does_not_print_its_secret():
    assert repr(AwsKey("AKID", "hidden", "hidden")) == "AwsKey('AKID')"


def test_time_is_told_in_utc():
    assert amz_date(1_795_523_445.9) == "20261124T123045Z"


def test_an_exported_key_is_read_and_may_have_no_token():
    text = '{"AccessKeyId":"AKID","SecretAccessKey":"hidden","SessionToken":"hours","Expiration":"soon"}'
    assert read_key(text) == AwsKey("AKID", "hidden", "hours")
    assert read_key('{"AccessKeyId":"AKID","SecretAccessKey":"hidden"}') == AwsKey("AKID", "hidden")


@pytest.mark.parametrize(
    "text", ["", "hidden", "[]", '{"AccessKeyId":"hidden"}', '{"AccessKeyId":"","SecretAccessKey":"hidden"}']
)
def test_what_is_no_exported_key_is_refused_without_being_quoted(text: str):
    with pytest.raises(ValueError, match="access key") as refused:
        read_key(text)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "key", [AwsKey("", "s"), AwsKey("A", ""), AwsKey("A\r\n", "s"), AwsKey("A", "s", "t\n"), AwsKey("Ä", "s")]
)
def test_what_would_be_no_part_of_a_field_is_refused(key: AwsKey):
    with pytest.raises(ValueError, match="no access key"):
        checked(key)
