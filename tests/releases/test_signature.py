"""Signatures of releases, made here with keys made here: only the pinned key, over this image of this
repository, in time, counts.
"""

import json
import os
import re
import subprocess
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysequoia import Cert, SignatureMode, Tsk, sign
from pysequoia.packet import PacketPile
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from frozen import CLOCK
from okd_gitops.explanation import explanation_of, explanations
from okd_gitops.finding import Severity
from okd_gitops.releases.trust import keyring, openpgp
from okd_gitops.releases.trust import store as signature_store
from okd_gitops.releases.trust.keyring import FINGERPRINTS, KeyUse
from okd_gitops.releases.trust.signature import Message, verify
from okd_gitops.releases.trust.store import urls
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.system.http import Http
from programs import program

pytestmark = pytest.mark.clock
NOW = datetime.now(UTC)
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
REPOSITORY = "registry.ci.openshift.org/origin/release-scos"
KEY, OTHER = (Tsk.generate(user_id=f"{name} <{name}@example.org>") for name in ("ci", "other"))


VERSION = "4.22.0-okd-scos.8"


def public(key: Tsk) -> bytes:
    return str(key.extract_certificate()).encode()


def name(key: Tsk) -> str:
    return key.extract_certificate().fingerprint


GOOD = Trust(verified=True, fingerprint=name(KEY), uses=(KeyUse(fingerprint=name(KEY)),))


def text(**changes: Any) -> bytes:
    """What is signed: openshift/release-controller, pkg/signer/signer.go."""
    critical = {
        "type": "atomic container signature",
        "image": {"docker-manifest-digest": A},
        "identity": {"docker-reference": f"{REPOSITORY}:4.22.0-okd-scos.8"},
    }
    optional = {"creator": "openshift release-controller", "timestamp": int(NOW.timestamp())}
    return json.dumps(
        {"critical": critical | changes.pop("critical", {}), "optional": optional, **changes}, indent=2
    ).encode()


def signed(message: bytes | None = None, key: Tsk = KEY) -> bytes:
    return sign(key.signer(), text() if message is None else message, armor=False)


def trust_in(
    *messages: bytes,
    keys: tuple[bytes, ...] | None = None,
    pinned: str = name(KEY),
    now: datetime | None = None,
    digest: str = A,
    repository: str = REPOSITORY,
    seen: datetime | None = None,
    **use: Any,
) -> Trust:
    image = f"{repository}@{digest}"
    now = now or datetime.now(UTC)
    trust = verify(
        [Message(message, seen or now) for message in messages],
        keys or (public(KEY),),
        [KeyUse(fingerprint=pinned, **use)],
        image=image,
        version=VERSION,
        now=now,
    )

    errors = [finding for finding in trust.findings if finding.severity == Severity.ERROR]
    assert len(errors) == (0 if trust.verified else 1)
    assert bool(trust.fingerprint) == trust.verified
    assert {finding.name for finding in trust.findings} <= explanations().keys()
    assert {finding.location.file for finding in trust.findings} <= {image}
    assert all(finding.remedy and "Stack" not in finding.reason for finding in trust.findings)
    return trust


def refusal(*messages: bytes, **more: Any) -> str:
    """Return the name of what is wrong; nothing when the release is verified."""
    trust = trust_in(*messages, **more)
    return "" if trust.verified else trust.findings[0].name


def test_a_trusted_signature_is_accepted() -> None:
    trust = trust_in(signed())
    assert trust == GOOD
    assert trust_in(signed(text(optional=None))).verified
    assert trust_in(signed(text(critical={"identity": {"docker-reference": f"{REPOSITORY}@{A}"}}))).verified


@pytest.mark.parametrize(
    "spelt", [name(KEY).upper(), re.sub("(....)", r"\1 ", name(KEY))], ids=["capitals", "groups"]
)
def test_a_fingerprint_as_people_write_it(spelt: str) -> None:
    assert trust_in(signed(), pinned=spelt).verified


def test_one_good_signature_is_enough() -> None:
    trust = trust_in(b"<html>", signed(key=OTHER), signed())
    assert trust.verified
    assert trust.findings == ()


def test_none() -> None:
    assert refusal() == "signature-missing"


def cut(data: bytes) -> bytes:
    return data[:-7]


def flipped(data: bytes) -> bytes:
    at = data.index(b"aaaa")
    return data[:at] + b"b" + data[at + 1 :]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "malformed-signature"),
        (b"<html>404</html>", "malformed-signature"),
        (b"\xc4", "malformed-signature"),
        (cut(signed()), "malformed-signature"),
        (signed() + b"x" * 20_000, "malformed-signature"),
        (signed() + b"x" * 10_000_000, "malformed-signature"),
        (sign(KEY.signer(), text()), "malformed-signature"),
        (sign(KEY.signer(), text(), mode=SignatureMode.CLEAR), "malformed-signature"),
        (sign(KEY.signer(), text(), mode=SignatureMode.DETACHED, armor=False), "malformed-signature"),
        (public(KEY), "malformed-signature"),
        (bytes(KEY.extract_certificate()), "malformed-signature"),
        (flipped(signed()), "bad-signature"),
        (signed(b"{}"), "not-an-image-signature"),
        (signed(b"[1]"), "not-an-image-signature"),
        (signed(b"sha256"), "signed-text-not-json"),
        (signed(b"[" * 9000), "signed-text-not-json"),
        (signed(b""), "signed-text-not-json"),
        (signed(text(critical={"type": "cosign container image signature"})), "not-an-image-signature"),
        (signed(text(critical={"image": {"docker-manifest-digest": 7}})), "not-an-image-signature"),
        (signed(text(critical={"image": {"docker-manifest-digest": B}})), "signed-other-image"),
        (
            signed(text(critical={"identity": {"docker-reference": f"{REPOSITORY}@{B}"}})),
            "signed-other-image",
        ),
        (
            signed(
                text(
                    critical={"identity": {"docker-reference": "quay.io/okd/scos-release:4.22.0-okd-scos.8"}}
                )
            ),
            "signed-other-repository",
        ),
        (
            signed(text(critical={"identity": {"docker-reference": f"evil.example.org/{REPOSITORY}"}})),
            "signed-other-repository",
        ),
        (signed(text(optional={"timestamp": NOW.timestamp() + 864000})), "signature-from-future"),
        (signed(text(optional={"timestamp": float("nan")})), "signature-from-future"),
        (signed(text(optional={"timestamp": "1789000000"})), "not-an-image-signature"),
        (signed(text(optional={"timestamp": True})), "not-an-image-signature"),
        (signed(text(optional=["timestamp"])), "not-an-image-signature"),
        (signed(text(optional="timestamp")), "not-an-image-signature"),
    ],
)
def test_c07_not_a_signature_of_this_image(message: bytes, code: str) -> None:
    assert refusal(message) == code


def with_details(*message: bytes, **more: Any) -> str:
    """Return what a refusal adds to the title of its name."""
    found = trust_in(*message, **more).findings[0]
    title = explanation_of(found.name).title
    assert found.reason.startswith(title)
    return found.reason.removeprefix(title).strip()


ELSEWHERE = "quay.io/okd/scos-release"


@pytest.mark.parametrize(
    ("message", "more", "detail"),
    [
        (signed(text(optional={"timestamp": "x"})), {}, "Its timestamp is not a number."),
        (signed(b"{}"), {}, ""),
        (b"", {}, ""),
        (signed(), {"pinned": ""}, f"{name(KEY).upper()}."),
        (flipped(signed()), {}, f"{name(KEY).upper()}."),
        (signed(), {"digest": B}, f"It is for {A!r}."),
        (signed(), {"repository": ELSEWHERE}, f"It is for '{REPOSITORY}:{VERSION}'."),
        (signed(), {"repositories": frozenset({ELSEWHERE})}, f"{name(KEY).upper()} is not for {REPOSITORY}."),
        (
            signed(text(critical={"identity": {"docker-reference": f"{REPOSITORY}:4.22"}})),
            {},
            f"It is for '{REPOSITORY}:4.22', not for {VERSION}.",
        ),
        (signed(), {"compromised": "stolen"}, f"{name(KEY).upper()}. stolen"),
    ],
    # The key is made anew by each process, and two of them must collect the same tests.
    ids=[
        "timestamp",
        "nothing signed",
        "empty",
        "not pinned",
        "flipped",
        "other digest",
        "other repository",
        "other use",
        "other version",
        "stolen",
    ],
)
def test_a_refusal_names_the_key_or_what_is_signed(message: bytes, more: dict[str, Any], detail: str) -> None:
    assert with_details(message, **more) == detail


def issuers(message: bytes) -> str:
    """Return the keys that a message names as its signers, by their fingerprints: subkeys that sign."""
    found = {packet.issuer_fingerprint for packet in PacketPile.from_bytes(message)} - {None}
    return ", ".join(sorted(str(fingerprint).upper() for fingerprint in found))


def created(message: bytes) -> datetime:
    """Return when a message was signed, as its signature says."""
    times = [packet.signature_created for packet in PacketPile.from_bytes(message)]
    newest: datetime = max(time for time in times if time)
    return newest


def test_a_signature_may_be_as_old_as_the_clock_or_the_end_of_its_key() -> None:
    message = signed()
    made = created(message)

    assert trust_in(message, now=made).verified
    assert trust_in(message, now=made + timedelta(days=1), retired=made).verified
    earlier = made - timedelta(seconds=1)
    assert refusal(message, now=made + timedelta(days=1), retired=earlier) == "signed-after-retirement"


def test_the_key_of_several_that_lasts_longest_counts() -> None:
    key, _ = lasting(30)
    uses = [KeyUse(fingerprint=name(key)), KeyUse(fingerprint=name(KEY))]
    messages = [signed(key=key), signed()]

    for ordered in (messages, messages[::-1]):
        now = datetime.now(UTC)
        found = verify(
            [Message(message, now) for message in ordered],
            [public(key), public(KEY)],
            uses,
            image=f"{REPOSITORY}@{A}",
            version=VERSION,
            now=now,
        )
        assert (found.verified, found.fingerprint, found.findings) == (True, name(KEY), ())


def test_a_revoked_key_is_named() -> None:
    cert = KEY.extract_certificate()
    revoked = bytes(cert) + bytes(cert.revoke(KEY.certifier()))

    assert with_details(signed(), keys=(revoked,)) == f"{name(KEY).upper()}."


def test_a_key_file_that_is_not_usable_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    title = explanation_of("unusable-signing-key").title

    for files, number in (((b"no key", public(KEY)), 1), ((public(KEY), b"no key"), 2)):
        [warning] = trust_in(signed(), keys=files).findings
        assert warning.reason == f"{title} Key file {number}."

    def unreadable(_: Cert) -> Iterator[tuple[str, datetime]]:
        raise ValueError("an odd packet")

    monkeypatch.setattr(keyring, "_ends", unreadable)
    assert keyring.read_keyring([public(KEY)], []).unusable == (f"Key file 1, {name(KEY).upper()}.",)


def test_an_unknown_key_is_named_as_the_signature_does() -> None:
    message = signed(key=OTHER)

    assert with_details(message) == f"{issuers(message)}."
    assert len(issuers(message)) == 40


def test_what_a_signature_is_for_is_cut() -> None:
    foreign = signed(text(critical={"image": {"docker-manifest-digest": "x" * 900}}))

    assert with_details(foreign) == f"It is for '{'x' * 119}."


def test_a_signature_is_good_from_the_second_in_which_it_was_made() -> None:
    made = NOW.replace(microsecond=0) + timedelta(hours=1)
    message = signed(text(optional={"timestamp": int(made.timestamp())}))

    assert trust_in(message, now=made).verified
    assert refusal(message, now=made - timedelta(seconds=1)) == "signature-from-future"


def test_a_key_ends_soon_from_ninety_days_before_its_end() -> None:
    key, end = lasting(120)
    args: dict[str, Any] = {"keys": (public(key),), "pinned": name(key)}
    soon = end - timedelta(days=90)

    for now, warnings in ((soon, ["signing-key-expires-soon"]), (soon - timedelta(seconds=1), [])):
        trust = trust_in(signed(key=key), now=now, **args)
        assert [warning.name for warning in trust.findings] == warnings


def test_another_digest_or_repository_is_asked_for() -> None:
    assert refusal(signed(), digest=B) == "signed-other-image"
    assert refusal(signed(), repository="quay.io/okd/scos-release") == "signed-other-repository"


def test_of_several_bad_signatures_the_one_that_passed_most_tests_is_reported() -> None:
    trust = trust_in(signed(key=OTHER), signed(text(critical={"image": {"docker-manifest-digest": B}})), b"x")
    assert [finding.name for finding in trust.findings] == ["signed-other-image"]
    assert B in trust.findings[0].reason


def test_c07_unknown_and_unpinned_keys() -> None:
    assert refusal(signed(key=OTHER)) == "unknown-signing-key"
    assert refusal(signed(key=OTHER), keys=(public(OTHER), public(KEY))) == "unpinned-signing-key"
    assert trust_in(signed(), keys=(public(OTHER) + public(KEY),)).verified
    assert trust_in(signed(), keys=(bytes(KEY.extract_certificate()),)).verified
    assert refusal(signed(), pinned="") == "unpinned-signing-key"
    # A pin is the whole fingerprint: a part of it, such as a key id, pins nothing.
    assert refusal(signed(), pinned=name(KEY)[-16:]) == "unpinned-signing-key"


@pytest.mark.parametrize("broken", [b"", b"no key", cut(bytes(KEY.extract_certificate()))])
def test_a_broken_key_file_hides_no_other(broken: bytes) -> None:
    trust = trust_in(signed(), keys=(broken, public(KEY)))
    assert trust.verified
    assert [warning.name for warning in trust.findings] == ["unusable-signing-key"]
    assert refusal(signed(), keys=(broken,)) == "unknown-signing-key"


def test_c07_a_revoked_key_is_refused() -> None:
    cert = KEY.extract_certificate()
    revoked = bytes(cert) + bytes(cert.revoke(KEY.certifier()))
    assert refusal(signed(), keys=(revoked,)) == "revoked-signing-key"


def lasting(days: float) -> tuple[Tsk, datetime]:
    key = Tsk.generate(user_id="ci <ci@example.org>", validity_seconds=int(days * 86400))
    end = key.extract_certificate().expiration
    assert end is not None
    return key, end


def test_c07_an_expired_key_is_good_for_what_was_seen_before_it_expired() -> None:
    key, end = lasting(30)
    later = end + timedelta(days=400)
    args: dict[str, Any] = {"keys": (public(key),), "pinned": name(key)}

    for seen in (NOW, end):
        trust = trust_in(signed(key=key), now=later, seen=seen, **args)
        assert trust.verified
        assert [finding.name for finding in trust.findings] == ["signing-key-ended"]
        assert f"{end:%Y-%m-%d}" in trust.findings[0].reason

    # Its time is what the signer wrote; it may be made today with an old key.
    for seen in (end + timedelta(seconds=1), later):
        trust = trust_in(signed(key=key), now=later, seen=seen, **args)
        assert [finding.name for finding in trust.findings] == ["expired-signing-key"]
        assert name(key).upper() in trust.findings[0].reason
        assert f"first seen on {seen:%Y-%m-%d}" in trust.findings[0].reason

    assert trust_in(signed(key=key), now=end - timedelta(days=1), **args).verified


def test_c07_a_retired_key_is_good_for_what_it_signed() -> None:
    later = NOW + timedelta(days=400)

    for retired in (NOW + timedelta(hours=1), later):
        trust = trust_in(signed(), now=later, retired=retired)
        assert trust.verified
        assert [finding.name for finding in trust.findings] == ["signing-key-ended"]

    trust = trust_in(signed(), now=later, seen=NOW, retired=NOW - timedelta(days=1))
    assert [finding.name for finding in trust.findings] == ["signed-after-retirement"]
    assert name(KEY).upper() in trust.findings[0].reason


def test_c07_a_key_that_expired_and_was_retired_in_good_order() -> None:
    key, end = lasting(30)
    args: dict[str, Any] = {"keys": (public(key),), "pinned": name(key)}
    trust = trust_in(signed(key=key), now=end + timedelta(days=1), retired=end + timedelta(days=9), **args)
    assert trust.verified
    assert [finding.name for finding in trust.findings] == ["signing-key-ended"]


def test_c07_a_compromised_key_is_good_for_nothing() -> None:
    trust = trust_in(signed(), seen=NOW, compromised="it was on a stolen disk")
    assert [finding.name for finding in trust.findings] == ["compromised-signing-key"]
    assert name(KEY).upper() in trust.findings[0].reason
    assert "stolen disk" in trust.findings[0].reason

    uses = [KeyUse(fingerprint=name(KEY), compromised="stolen"), KeyUse(fingerprint=name(OTHER))]
    signatures = [signed(), signed(key=OTHER)]
    now = datetime.now(UTC)
    messages = [Message(signature, now) for signature in signatures]
    keys = [public(KEY), public(OTHER)]
    trust = verify(messages, keys, uses, image=f"{REPOSITORY}@{A}", version=VERSION, now=now)
    assert (trust.verified, trust.fingerprint) == (True, name(OTHER))


def test_c07_a_key_signs_for_its_repositories_only() -> None:
    allowed = frozenset({REPOSITORY})
    assert trust_in(signed(), repositories=allowed).verified
    trust = trust_in(signed(), repositories=frozenset({"quay.io/okd/scos-release"}))
    assert [finding.name for finding in trust.findings] == ["key-for-other-repository"]
    assert name(KEY).upper() in trust.findings[0].reason


@pytest.mark.parametrize(
    ("use", "is_for"),
    [
        ({}, True),
        ({"streams": {"4-scos-stable"}}, True),
        ({"streams": {"4-scos-next", "4-scos-stable"}, "purposes": {"cd"}}, True),
        ({"streams": {"4-scos-next"}}, False),
        ({"purposes": {"test"}}, False),
        ({"streams": {"4-scos-stable"}, "purposes": {"test"}}, False),
    ],
)
def test_c07_a_key_signs_for_its_streams_and_purposes_only(use: dict[str, Any], is_for: bool) -> None:
    limits: dict[str, Any] = {key: frozenset(values) for key, values in use.items()}
    trust = trust_in(signed(), **limits)
    fault = trust.fault_for("4-scos-stable", "cd")
    assert trust.verified
    assert (fault == "") == is_for
    assert is_for or name(KEY)[-16:] in fault


def test_one_of_several_keys_that_is_for_the_cluster_is_enough() -> None:
    uses = (KeyUse(fingerprint="A", streams=frozenset({"4-scos-next"})), KeyUse(fingerprint="B"))
    assert Trust(verified=True, uses=uses).fault_for("4-scos-stable", "cd") == ""
    assert "4-scos-next" in Trust(verified=True, uses=uses[:1]).fault_for("4-scos-stable", "cd")
    assert Trust(verified=False).fault_for("4-scos-stable", "cd") == ""


def named(reference: str) -> bytes:
    return signed(text(critical={"identity": {"docker-reference": reference}}))


@pytest.mark.parametrize(
    "reference",
    [
        f"{REPOSITORY}:4.22.0-okd-scos.7",
        f"{REPOSITORY}:4.22.0-okd-scos.80",
        f"{REPOSITORY}:latest",
        f"{REPOSITORY}:4.22.0-okd-scos.7@{A}",
    ],
)
def test_c08_the_name_in_the_signature_is_another_version(reference: str) -> None:
    trust = trust_in(named(reference))
    assert [finding.name for finding in trust.findings] == ["signed-other-version"]
    assert reference[:60] in trust.findings[0].reason


@pytest.mark.parametrize("tag", ["", f":{VERSION}", f":{VERSION}@{A}", f"@{A}"])
@pytest.mark.parametrize("repository", [REPOSITORY, "registry.example.org:5000/okd/release"])
def test_c08_the_name_in_the_signature_is_this_version_or_none(repository: str, tag: str) -> None:
    assert trust_in(named(f"{repository}{tag}"), repository=repository).verified


@pytest.mark.parametrize(("days", "warned"), [(89, True), (91, False), (None, False)])
def test_a_key_that_expires_soon_is_a_warning(days: int | None, warned: bool) -> None:
    key, end = lasting(days) if days else (KEY, None)
    trust = trust_in(signed(key=key), keys=(public(key),), pinned=name(key))
    assert trust.verified
    assert [warning.name for warning in trust.findings] == ["signing-key-expires-soon"] * warned
    assert all(f"{end:%Y-%m-%d}" in warning.reason for warning in trust.findings)


def test_a_signature_from_the_future_is_refused() -> None:
    assert refusal(signed(), now=NOW - timedelta(days=1)) == "signature-from-future"


def test_the_key_of_openshift_ci_comes_with_the_package() -> None:
    """The day on which it expires is known: a new key must come before."""
    certs = [cert for data in signature_store.default_keys() for cert in Cert.split_bytes(data)]
    assert (
        {cert.fingerprint.upper() for cert in certs}
        == FINGERPRINTS
        == {"6A9588F07F2D3AE7973AD2A9193E53CCD2E2F7A4"}
    )
    assert [f"{cert.expiration:%Y-%m-%d}" for cert in certs if cert.expiration] == ["2027-03-31"]
    assert not any(cert.is_revoked for cert in certs)


@pytest.fixture
def gpg(tmp_path: Path) -> Iterator[Callable[..., bytes]]:
    environment = {"PATH": os.environ["PATH"], "GNUPGHOME": str(tmp_path), **CLOCK}
    tmp_path.chmod(0o700)

    def run(*args: str, data: bytes = b"") -> bytes:
        command = [
            program("gpg"),
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
            *args,
        ]
        return subprocess.run(command, input=data, capture_output=True, check=True, env=environment).stdout

    yield run
    subprocess.run(["gpgconf", "--kill", "all"], check=True, env=environment)


@pytest.mark.parametrize("compressed", ["none", "zip", "zlib"])
def test_signed_by_gpg(gpg: Callable[..., bytes], compressed: str) -> None:
    gpg("--import", data=bytes(KEY))
    message = gpg("--compress-algo", compressed, "--sign", data=text())
    assert trust_in(message).verified
    assert refusal(message, digest=B) == "signed-other-image"


def test_all_keys_that_signed_are_named(gpg: Callable[..., bytes]) -> None:
    for key in (KEY, OTHER):
        gpg("--import", data=bytes(key))

    message = gpg("--compress-algo", "none", "-u", name(KEY), "-u", name(OTHER), "--sign", data=text())
    third = public(Tsk.generate(user_id="third <third@example.org>"))

    assert with_details(message, keys=(third,)) == f"{issuers(message)}."
    assert len(issuers(message).split(", ")) == 2


def test_a_message_with_several_signatures_counts_the_key_that_lasts_longest(
    gpg: Callable[..., bytes],
) -> None:
    key, _ = lasting(30)
    for signer in (KEY, key):
        gpg("--import", data=bytes(signer))

    sign_with = ("-u", name(KEY), "-u", name(key))
    now = datetime.now(UTC)
    messages = [Message(gpg(*sign_with, "--sign", data=text()), now)]
    files = [public(key), public(KEY)]
    place: dict[str, Any] = {"image": f"{REPOSITORY}@{A}", "version": VERSION, "now": now}

    both = [KeyUse(fingerprint=name(signer)) for signer in (key, KEY)]
    found = verify(messages, files, both, **place)
    assert (found.verified, found.fingerprint, found.findings) == (True, name(KEY), ())

    lost = [
        KeyUse(fingerprint=name(KEY), compromised="stolen"),
        KeyUse(fingerprint=name(key), compromised="lost"),
    ]
    names = ", ".join(sorted((name(KEY).upper(), name(key).upper())))
    [refused] = verify(messages, files, lost, **place).findings
    assert refused.reason.endswith(f" {names}. lost; stolen")


def at(day: int) -> tuple[str, str]:
    # The sign at the end stops the clock: a slow machine is as good as a fast one.
    return "--faked-system-time", f"202601{day:02}T000000!"


def ends_of(*files: bytes) -> dict[str, datetime]:
    """Return the ends of a key and of its subkeys, of copies of one key that were merged."""
    cert = Cert.from_bytes(files[0])
    for other in files[1:]:
        cert = cert.merge(Cert.from_bytes(other))

    [key] = keyring.read_keyring([bytes(cert)], []).keys
    return dict(key.ends)


def test_a_subkey_ends_when_its_newest_binding_says(gpg: Callable[..., bytes]) -> None:
    """A later binding lengthens or shortens the time of a subkey, and the end of the key bounds it."""
    gpg(*at(1), "--quick-gen-key", "sub <sub@example.org>", "ed25519", "cert", "never")
    main = Cert.from_bytes(gpg("--export")).fingerprint
    gpg(*at(2), "--quick-add-key", main, "ed25519", "sign", "30d")
    first = gpg("--export")
    gpg(*at(3), "--quick-set-expire", main, "90d", "*")
    longer = gpg("--export")
    gpg(*at(4), "--quick-set-expire", main, "9d", "*")
    shorter = gpg("--export")
    gpg(*at(5), "--quick-set-expire", main, "2d")
    bounded = gpg("--export")

    [sub] = ends_of(first).keys() - {main}

    def ends(day: int, *, of_key: datetime = keyring.NEVER) -> dict[str, datetime]:
        return {main: of_key, sub: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)}

    assert ends_of(first) == ends(2 + 30)
    assert ends_of(first, longer) == ends_of(longer, first) == ends(3 + 90)
    assert ends_of(longer, shorter) == ends_of(shorter, longer) == ends(4 + 9)
    assert ends_of(bounded) == ends(5 + 2, of_key=datetime(2026, 1, 7, tzinfo=UTC))


def test_a_revocation_lengthens_the_time_of_no_subkey(gpg: Callable[..., bytes]) -> None:
    gpg(*at(1), "--quick-gen-key", "sub <sub@example.org>", "ed25519", "cert", "never")
    main = Cert.from_bytes(gpg("--export")).fingerprint
    gpg(*at(2), "--quick-add-key", main, "ed25519", "sign", "30d")
    before = ends_of(gpg("--export"))

    answers = b"key 1\nrevkey\ny\n0\n\ny\nsave\n"
    gpg(*at(3), "--no-batch", "--no-tty", "--command-fd", "0", "--edit-key", main, data=answers)
    revoked = gpg("--export")

    assert len(list(PacketPile.from_bytes(revoked))) == len(before) + 4
    assert ends_of(revoked) == before


def test_c07_signed_with_sha_1(gpg: Callable[..., bytes]) -> None:
    gpg("--quick-gen-key", "old <old@example.org>", "rsa2048", "sign", "never")
    key = gpg("--export")
    args: dict[str, Any] = {"keys": (key,), "pinned": Cert.from_bytes(key).fingerprint}
    message = gpg("--compress-algo", "none", "--digest-algo", "SHA1", "--sign", data=text())
    assert refusal(message, **args) == "bad-signature"
    message = gpg("--compress-algo", "none", "--digest-algo", "SHA256", "--sign", data=text())
    assert trust_in(message, **args).verified


def test_signed_after_it_expired(gpg: Callable[..., bytes]) -> None:
    gpg(
        "--faked-system-time",
        "20200101T000000",
        "--quick-gen-key",
        "old <old@example.org>",
        "ed25519",
        "sign",
        "never",
    )
    message = gpg("--compress-algo", "none", "--sign", data=text())
    key = gpg("--export")
    fingerprint = Cert.from_bytes(key).fingerprint
    assert trust_in(message, keys=(key,), pinned=fingerprint).verified
    gpg("--faked-system-time", "20200101T000100", "--quick-set-expire", fingerprint, "1d")
    assert refusal(message, keys=(gpg("--export"),), pinned=fingerprint) == "bad-signature"


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def squeezed(data: bytes) -> bytes:
    return packet(8, b"\x02" + zlib.compress(data, 9))


BOMB = squeezed(packet(11, b"b\0\0\0\0\0" + bytes(64 << 20)))


@pytest.mark.parametrize(
    "bomb",
    [
        squeezed(BOMB),
        squeezed(squeezed(BOMB)),
        BOMB[:-9],
        squeezed(signed())[:-9],
        packet(4, b"") + squeezed(BOMB),
    ],
)
def test_compressed_messages_cost_little(bomb: bytes) -> None:
    import tracemalloc

    assert len(bomb) < 100_000
    tracemalloc.start()
    assert refusal(bomb) == "malformed-signature"
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_one_layer_of_compression_is_the_message_itself() -> None:
    message = signed()
    assert openpgp.plain(squeezed(message), 16384) == openpgp.plain(message, 16384) == message
    assert openpgp.plain(packet(10, b"PGP") + message, 16384).endswith(message)


@given(st.binary(max_size=300))
def test_any_bytes_are_no_signature(data: bytes) -> None:
    assert refusal(data) == "malformed-signature"


@given(st.integers(0, 2000), st.integers(1, 255))
def test_no_changed_byte_goes_unseen_in_what_is_signed(at: int, change: int) -> None:
    message = bytearray(signed())
    message[at % len(message)] ^= change
    trust = trust_in(bytes(message))
    # A byte that is not covered by the signature, such as the hint which key it was, may differ; what is said
    # may not.
    assert not trust.verified or trust == GOOD


def test_urls() -> None:
    assert urls("https://store.example.org/x/", A) == [
        f"https://store.example.org/x/sha256={'a' * 64}/signature-{n}" for n in range(1, 11)
    ]
    for wrong in ("", "a" * 64, "sha256:abc", "sha512:" + "a" * 64, A.upper(), f"{A}/../x"):
        with pytest.raises(ValueError, match="is not a sha256 digest"):
            urls("https://store.example.org", wrong)


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return Http(tmp_path / "cache", retries=0, timeout=60)


def test_signatures_are_asked_for_until_one_is_not_there(httpserver: HTTPServer, http: Http) -> None:
    place = f"/store/sha256={'a' * 64}/signature-"
    for number in (1, 2, 4):
        httpserver.expect_request(f"{place}{number}").respond_with_data(str(number))
    httpserver.expect_request(f"{place}3").respond_with_data("", status=404)
    signed, findings = signature_store.fetch(http, [httpserver.url_for("/store/")], A)
    assert signed == [b"1", b"2"]
    assert findings == []
    assert httpserver.log[-1][0].path == f"{place}3"


def test_ten_signatures_at_most(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request(re.compile("/store/.*")).respond_with_data("x")
    assert signature_store.fetch(http, [httpserver.url_for("/store")], A) == ([b"x"] * 10, [])


def test_a_store_that_is_away_hides_no_other(httpserver: HTTPServer, http: Http) -> None:
    def answer(request: Request) -> Response:
        return Response("good") if request.path.endswith("-1") else Response("", status=404)

    httpserver.expect_request(f"/away/sha256={'a' * 64}/signature-1").respond_with_data("", status=403)
    for number in (1, 2):
        httpserver.expect_request(f"/store/sha256={'a' * 64}/signature-{number}").respond_with_handler(answer)
    signed, findings = signature_store.fetch(
        http, [httpserver.url_for("/away"), httpserver.url_for("/store")], A
    )
    assert signed == [b"good"]
    assert [finding.name for finding in findings] == ["source-away"]
