"""Read one cookie of a request (RFC 6265 §5.4)."""

from triplegate.core.http import Headers


def cookie(headers: Headers, name: str) -> str | None:
    """The first value of a cookie, without quotes; None where there is none."""
    wanted = name.encode("latin-1", "replace")
    for key, line in headers:
        if key == b"cookie":
            for part in line.split(b";"):
                found, equals, value = part.strip(b" \t").partition(b"=")
                if equals and found == wanted:
                    return value.strip(b'"').decode("latin-1")
    return None
