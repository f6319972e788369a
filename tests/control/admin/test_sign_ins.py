"""Sign-ins end by themselves, by hand and with their token."""

from triplegate.control.admin.sign_ins import ABSOLUTE, IDLE, SignIns, same
from triplegate.core.clock import SetClock


def test_use_keeps_a_sign_in_open_but_not_longer_than_twelve_hours() -> None:
    clock = SetClock()
    sign_ins = SignIns(clock)
    cookie = sign_ins.open("t1")
    for _ in range(int(ABSOLUTE // (IDLE - 60))):
        clock.advance(IDLE - 60)
        if clock.now() - 1_000 >= ABSOLUTE:
            break
        assert sign_ins.find(cookie) is not None
    clock.advance(IDLE - 60)
    assert sign_ins.find(cookie) is None


def test_half_an_hour_idle_ends_it_and_background_calls_are_idle() -> None:
    clock = SetClock()
    sign_ins = SignIns(clock)
    cookie = sign_ins.open("t1")
    clock.advance(IDLE - 1)
    assert sign_ins.find(cookie, touch=False) is not None
    clock.advance(1)
    assert sign_ins.find(cookie) is None


def test_cookies_and_csrf_values_are_fresh_and_unknown_ones_find_nothing() -> None:
    sign_ins = SignIns(SetClock())
    first, second = sign_ins.open("t1"), sign_ins.open("t1")
    found = [sign_ins.find(first), sign_ins.find(second)]
    assert first != second
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].csrf != found[1].csrf
    assert sign_ins.find("") is None
    assert sign_ins.find(first[:-1]) is None
    assert sign_ins.has(found[0].csrf)
    assert not sign_ins.has("")


def test_signing_out_ends_one_and_revoking_the_token_ends_all_of_it() -> None:
    sign_ins = SignIns(SetClock())
    first, second, other = sign_ins.open("t1"), sign_ins.open("t1"), sign_ins.open("t2")
    sign_ins.end(first)
    assert sign_ins.find(first) is None
    assert sign_ins.find(second) is not None
    sign_ins.end_all("t1")
    assert sign_ins.find(second) is None
    assert sign_ins.find(other) is not None


def test_the_cookie_itself_is_not_kept() -> None:
    sign_ins = SignIns(SetClock())
    cookie = sign_ins.open("t1")
    assert cookie not in repr(sign_ins._kept)


def test_their_number_is_bounded() -> None:
    sign_ins = SignIns(SetClock())
    cookies = [sign_ins.open("t") for _ in range(1_100)]
    assert sign_ins.find(cookies[0]) is None
    assert sign_ins.find(cookies[-1]) is not None


def test_comparison_takes_any_text() -> None:
    assert same("ä", "ä")
    assert not same("ä", "a")
