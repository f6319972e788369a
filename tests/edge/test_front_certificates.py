"""Certificates: chosen by name, renewed when their files change, and never given up for worse ones."""

import time

import pytest
from cryptography.hazmat.primitives import serialization
from tests.certificates import Authority

from triplegate.edge.front_certificates import Certificates, TlsTerms


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def terms(*pairs, **more):
    return TlsTerms(tuple((str(pair.certificate), str(pair.key)) for pair in pairs), **more)


def copy(source, target):
    target.certificate.write_bytes(source.certificate.read_bytes())
    target.key.write_bytes(source.key.read_bytes())


def test_a_name_is_exact_or_one_label_before_a_suffix_or_nobodys(authority):
    first, second = authority.sign("a", "a.test", "shared.test"), authority.sign("b", "*.b.test", "shared.test")
    shown = Certificates(terms(first, second)).shown
    other = shown.choose("x.b.test")
    assert other is not shown.default
    for name in ("a.test", "shared.test", "nobody.test", "b.test", "x.y.b.test", "", "localhost"):
        assert shown.choose(name) is shown.default, name


def test_changed_files_are_in_force_and_unchanged_ones_cost_nothing(authority):
    pair = authority.sign("a", "a.test")
    certificates = Certificates(terms(pair))
    before = certificates.shown
    assert not certificates.refresh()
    assert certificates.shown is before
    copy(authority.sign("fresh", "b.test"), pair)
    assert certificates.refresh()
    assert certificates.shown.exact.keys() == {"b.test"}


def test_a_bad_pair_is_refused_told_and_the_old_one_kept_until_a_good_one_comes(authority):
    pair = authority.sign("a", "a.test")
    certificates = Certificates(terms(pair))
    before = certificates.shown
    pair.key.write_bytes(authority.sign("fresh", "b.test").key.read_bytes())
    assert not certificates.refresh()
    assert certificates.shown is before
    assert certificates.trouble(time.time()).startswith(f"{pair.certificate}: is no certificate with its key")
    pair.key.unlink()
    assert not certificates.refresh()
    assert str(pair.key) in certificates.failure
    copy(authority.sign("fresh", "b.test"), pair)
    assert certificates.refresh()
    assert certificates.trouble(time.time()) == ""


def test_a_changed_authority_of_clients_is_a_change(authority):
    pair = authority.sign("a", "a.test")
    certificates = Certificates(terms(pair, client_auth="required", client_ca=str(authority.path)))
    authority.path.write_bytes(pair.certificate.read_bytes())
    assert certificates.refresh()


def test_an_expired_certificate_is_told(authority):
    certificates = Certificates(terms(authority.sign("a", "a.test", days=-1)))
    assert certificates.trouble(time.time()) == "a certificate has expired"
    assert certificates.trouble(0.0) == ""


def test_a_certificate_without_names_is_for_whoever_asks_for_none(authority):
    shown = Certificates(terms(authority.sign("bare"))).shown
    assert (shown.exact, shown.wild) == ({}, {})


def test_what_cannot_be_used_does_not_start_and_its_file_is_named(authority, tmp_path):
    pair = authority.sign("a", "a.test")
    broken = tmp_path / "broken.pem"
    broken.write_text("nonsense")
    for wrong, file in (
        (terms(pair, client_auth="required", client_ca=str(tmp_path / "missing")), tmp_path / "missing"),
        (terms(pair, client_auth="required", client_ca=str(broken)), broken),
        (TlsTerms(((str(broken), str(pair.key)),)), broken),
        (TlsTerms(((str(pair.certificate), str(tmp_path / "missing")),)), tmp_path / "missing"),
    ):
        with pytest.raises(OSError, match=r".") as caught:
            Certificates(wrong)
        assert caught.value.filename == str(file)


def test_an_encrypted_key_is_refused_and_nobody_asked_for_its_password(authority):
    pair = authority.sign("a", "a.test")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    form = serialization.PrivateFormat.PKCS8
    pair.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(OSError, match="is no certificate with its key"):
        Certificates(terms(pair))


def text(pair):
    return pair.certificate.read_text(), pair.key.read_text()


def test_certificates_that_are_in_no_file_are_shown_beside_those_that_are(authority):
    certificates = Certificates(terms(authority.sign("a", "a.test")))
    more = text(authority.sign("b", "b.test"))
    assert certificates.more([more])
    assert certificates.shown.choose("b.test") is not certificates.shown.default
    assert not certificates.more([more])
    copy(authority.sign("fresh", "c.test"), authority.sign("a", "a.test"))
    assert certificates.refresh()  # files change, and the others stay
    assert certificates.shown.exact.keys() == {"c.test", "b.test"}
    assert certificates.more([])
    assert certificates.shown.exact.keys() == {"c.test"}


def test_a_bad_one_of_them_is_told_and_changes_nothing(authority):
    certificates = Certificates(terms(authority.sign("a", "a.test")))
    chain, _ = text(authority.sign("b", "b.test"))
    assert not certificates.more([(chain, "no key")])
    assert certificates.failure
    assert certificates.shown.exact.keys() == {"a.test"}
