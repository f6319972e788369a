"""The one spelling of paths, queries and hosts."""

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.target import canonical_path, check_query, parse_authority

PIECES = st.sampled_from(
    [
        "/",
        "//",
        ".",
        "..",
        "/.",
        "/..",
        "a",
        "B",
        "%2e",
        "%2E%2e",
        "%41",
        "%7e",
        "%c3%a9",
        "%C0%AE",
        "%e2%82%ac",
        "~",
        "%20",
        "%2f",
        "%5c",
        "%25",
        "%00",
        "%zz",
        ";",
        "\\",
        "{",
        "|",
        "%7c",
        "é",
        "-",
        "_",
        ":",
        "@",
        "!",
        "admin",
        "%0a",
        "#",
    ]
)
RAW_PATHS = st.lists(PIECES, max_size=12).map(lambda parts: ("/" + "".join(parts)).encode())


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"/", b"/"),
        (b"/orders", b"/orders"),
        (b"/orders/", b"/orders/"),
        (b"/%7Euser/%41", b"/~user/A"),
        (b"/caf%c3%a9", b"/caf%C3%A9"),
        (b"/a/./b", b"/a/b"),
        (b"/a/b/../c", b"/a/c"),
        (b"/a/b/..", b"/a/"),
        (b"/a/.", b"/a/"),
        (b"/.", b"/"),
        (b"/a/..", b"/"),
        (b"//a///b", b"/a/b"),
        (b"/a/b//../c", b"/a/c"),
        (b"/.well-known/x", b"/.well-known/x"),
        (b"/...", b"/..."),
        (b"/file%2etxt", b"/file.txt"),
        (b"/a b".replace(b" ", b"%20"), b"/a%20b"),
        (b"/{id}|x", b"/%7Bid%7D%7Cx"),
        (b"/a:b@c!$&'()*+,=", b"/a:b@c!$&'()*+,="),
    ],
)
def test_a_path_is_brought_to_its_one_spelling(raw: bytes, wanted: bytes) -> None:
    assert canonical_path(raw) == wanted


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        b"*",
        b"/a b",
        b"/a\\b",
        b"/a#b",
        b"/\xc3\xa9",
        b"/a\x00",
        b"/a\r\n",
        b"/\x7f",
        b"/%zz",
        b"/%",
        b"/%4",
        b"/a%00",
        b"/%u002e",
        b"/a%2fb",
        b"/a%2Fb",
        b"/a%5cb",
        b"/a%3bb",
        b"/a%3fb",
        b"/a%23b",
        b"/a%25b",
        b"/%252e",
        b"/a;b",
        b"/..;/a",
        b"/%2e%2e/a",
        b"/a/.%2e/b",
        b"/a/%2E.",
        b"/%2e",
        b"/../a",
        b"/a/../../b",
        b"/%c0%ae",
        b"/%e9",
        b"/%C0%AF",
    ],
)
def test_a_path_with_two_readings_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        canonical_path(raw)
    assert caught.value.status == 400


def test_slashes_are_kept_when_merging_is_off() -> None:
    assert canonical_path(b"/a//b/../c", merge_slashes=False) == b"/a//c"


@given(RAW_PATHS, st.booleans())
def test_canonical_of_canonical_is_itself_and_hides_nothing(raw: bytes, merge: bool) -> None:
    try:
        path = canonical_path(raw, merge_slashes=merge)
    except Refusal:
        return
    assert canonical_path(path, merge_slashes=merge) == path
    decoded = unquote_to_bytes(path)
    assert not {b".", b".."} & set(decoded.split(b"/"))
    assert decoded.count(b"/") == path.count(b"/")
    assert not any(byte in decoded for byte in b"\\;?#\x00")
    assert not merge or b"//" not in decoded


@pytest.mark.parametrize("query", [b"", b"a=1&b=2", b"q=a%20b+c", b"x=/?:@", b"a[]=1", b'f={"a":1}', b"a;b", b"%ff"])
def test_a_plain_query_passes(query: bytes) -> None:
    check_query(query)


@pytest.mark.parametrize(
    "query", [b"a#b", b"a b", b"\\", b"\x00", b"\xc3\xa9", b"a\r\nb", b"100%", b"%zz", b"%00", b"%4"]
)
def test_a_query_with_forbidden_bytes_is_refused(query: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        check_query(query)
    assert caught.value.code == "malformed_request"


@pytest.mark.parametrize(
    ("authority", "wanted"),
    [
        (b"Example.COM", ("example.com", None)),
        (b"example.com.:8080", ("example.com", 8080)),
        (b"127.0.0.1:80", ("127.0.0.1", 80)),
        (b"[::1]:8080", ("[::1]", 8080)),
        (b"[0:0:0:0:0:0:0:1]", ("[::1]", None)),
        (b"my_service", ("my_service", None)),
        (b"xn--bcher-kva.example", ("xn--bcher-kva.example", None)),
        (b"a-b.c1", ("a-b.c1", None)),
    ],
)
def test_a_host_has_one_spelling(authority: bytes, wanted: tuple[str, int | None]) -> None:
    assert parse_authority(authority) == wanted


BAD_HOSTS = [
    b"",
    b" ",
    b"a/#@x",
    b"a b",
    b"a,b",
    b"user@a",
    b"user:pw@a",
    b"a:",
    b"a:x",
    b"a:0",
    b"a:65536",
    b"a:99999",
    b"a:+80",
    b"a:-1",
    b":80",
    b"a:80:80",
    b"[::1",
    b"::1",
    b"[::g]",
    b"[:::]",
    b"[fe80::1%25eth0]",
    b"[1.2.3.4]",
    b"\xc3\xa9.test",
    b"a\x00b",
    b"a\tb",
    b"a?b",
    b"a#b",
    b"a\\b",
    b"a/b",
    b"http://a",
    b"..",
    b"a..b",
    b".a",
    b"-a",
    b"a-",
    b"1.2.3",
    b"127.1",
    b"1.2.3.256",
    b"0x7f.1",
    b"2130706433",
    b"0x7f000001",
    b"01.2.3.4",
    b"a" * 64,
    b"%61",
    b"a;b",
    b"*",
    b"*.a",
    b"a" + b".a" * 127,
]


@pytest.mark.parametrize("authority", BAD_HOSTS)
def test_a_host_that_is_not_one_plain_host_is_refused(authority: bytes) -> None:
    assert len(BAD_HOSTS) >= 30
    with pytest.raises(Refusal) as caught:
        parse_authority(authority)
    assert caught.value.code == "invalid_host"
