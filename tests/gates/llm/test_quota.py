"""What providers say is left of their own limits."""

from hypothesis import given
from hypothesis import strategies as st

from triplegate.gates.llm.quota import Quotas

WALL = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def openai(requests, tokens, reset=b"6m0s"):
    return [
        (b"x-ratelimit-limit-requests", b"100"),
        (b"x-ratelimit-remaining-requests", b"%d" % requests),
        (b"x-ratelimit-reset-requests", reset),
        (b"x-ratelimit-limit-tokens", b"1000"),
        (b"x-ratelimit-remaining-tokens", b"%d" % tokens),
        (b"x-ratelimit-reset-tokens", reset),
    ]


def read(headers, now=0.0):
    quotas = Quotas()
    quotas.read(headers, now, WALL)
    return quotas


def test_the_scarcest_dimension_counts():
    assert Quotas().fraction(0.0) == 1
    assert read(openai(50, 900)).fraction(1.0) == 0.5
    assert read(openai(90, 100)).fraction(1.0) == 0.1


def test_anthropics_fields_are_read_with_their_points_in_time():
    quotas = read(
        [
            (b"anthropic-ratelimit-input-tokens-limit", b"1000"),
            (b"anthropic-ratelimit-input-tokens-remaining", b"200"),
            (b"anthropic-ratelimit-input-tokens-reset", b"2026-01-01T00:00:30Z"),
        ]
    )
    assert quotas.fraction(29.0) == 0.2
    assert quotas.wait(300, 0, 10.0) == 20
    assert quotas.wait(100, 5000, 10.0) == 0  # nothing is known of output


def test_after_the_reset_all_of_it_is_back():
    for said, seconds in ((b"6m0s", 360.0), (b"20ms", 0.02), (b"1.5", 1.5), (b"1h2m3s", 3723.0)):
        quotas = read(openai(0, 0, said))
        assert quotas.wait(1, 0, 0.0) == seconds
        assert (quotas.wait(1, 0, seconds), quotas.fraction(seconds)) == (0, 1)


def test_calls_under_way_are_taken_off_until_the_next_word():
    quotas = read(openai(2, 500))
    quotas.spend(200, 200)
    assert quotas.wait(100, 0, 1.0) == 0
    assert quotas.wait(100, 100, 1.0) > 0  # tokens
    quotas.spend(0, 0)
    assert quotas.wait(0, 0, 1.0) > 0  # requests
    quotas.read(openai(90, 900), 1.0, WALL)
    assert quotas.wait(400, 400, 2.0) == 0


@given(st.sampled_from([b"limit", b"remaining", b"reset"]), st.binary(max_size=24))
def test_nonsense_leaves_things_as_they_were(part, value):
    quotas = read(openai(50, 500))
    quotas.read([(b"x-ratelimit-" + part + b"-other", value), (b"x-ratelimit-x", value)], 0.0, WALL)
    assert (set(quotas.left), quotas.fraction(1.0)) == ({"requests", "tokens"}, 0.5)
    quotas.read([(b"x-ratelimit-" + part + b"-tokens", value)], 0.0, WALL)
    assert 0 <= quotas.fraction(1.0) <= 1
