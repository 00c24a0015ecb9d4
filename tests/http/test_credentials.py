"""Who asks: every kind of authentication, what is never shown, and TLS."""
from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import ssl
import threading
import time
from urllib.parse import parse_qsl, quote, unquote

import pytest
from harness.hostile_http import Answer, Certificates, HostileServer, Request, one_of_each
from harness.http_fetch import fetch


def echo(answer: Answer) -> bool:
    return answer.reply(403, json.dumps([answer.request.headers, answer.request.target,
                                         answer.request.body.decode()]).encode())


@pytest.mark.parametrize(("options", "user", "header", "value"), [
    ({}, {"auth_token": "s3cret-token"}, "authorization", "Bearer s3cret-token"),
    ({}, {"username": "ann", "password": "s3cret w:rd"}, "authorization",
     "Basic " + base64.b64encode(b"ann:s3cret w:rd").decode()),
    ({}, {"api_key": "s3cret-key"}, "x-api-key", "s3cret-key"),
    ({"api_key_name": "Api-Token"}, {"api_key": "s3cret-key"}, "api-token", "s3cret-key"),
])
def test_credentials_in_a_header(server: HostileServer, options: dict[str, str], user: dict[str, str],
                                 header: str, value: str) -> None:
    server.on("/", lambda answer: answer.reply())
    server.on("/echo", echo)
    got = fetch(server.url + "/", server.url + "/echo", options=options, user=user)
    assert got.answers[0]["status"] == 200
    assert server.requests[0].headers[header] == value
    assert got.answers[1]["error"] == "bad_credential"
    for secret in (value.rpartition(" ")[2] if "Basic" in value else value.rpartition("Bearer ")[2], "s3cret"):
        assert secret not in got.output
    assert "***" in got.answers[1]["message"]


@pytest.mark.parametrize("name", ["", "token"])
def test_a_key_in_the_query(server: HostileServer, name: str) -> None:
    server.on("/x", echo)
    got = fetch(server.url + "/x?a=1", server.url + "/x", options={"auth": "api_key_query", "api_key_name": name},
                user={"api_key": "s3cret&key=ä"})
    assert sorted(server.paths()) == [f"/x?a=1&{name or 'api_key'}={quote('s3cret&key=ä')}",
                                      f"/x?{name or 'api_key'}={quote('s3cret&key=ä')}"]
    assert "s3cret" not in got.output


def test_secrets_that_stand_in_urls_are_masked(server: HostileServer) -> None:
    names = ["token", "access_token", "api_key", "apikey", "KEY", "X-Amz-Signature", "sig", "client_secret", "password"]
    got = fetch(server.url + "/x?page=2&" + "&".join(f"{name}=hidden" for name in names) + "&last=shown")
    assert "hidden" not in got.output
    assert "page=2" in got.error[1] and "last=shown" in got.error[1]


@pytest.mark.parametrize(("options", "user", "named"), [
    ({"auth": "bearer"}, {}, "auth_token"), ({"auth": "basic"}, {"username": "a"}, "password"),
    ({"auth": "api_key_header"}, {}, "api_key"), ({"auth": "oauth2"}, {}, "token_url"),
    ({"auth": "aws_sigv4"}, {}, "aws_access_key_id"), ({}, {"auth_token": "a\r\nX-Evil: 1"}, "line end"),
])
def test_what_is_missing_is_named(server: HostileServer, options: dict[str, str], user: dict[str, str],
                                  named: str) -> None:
    status, message = fetch(server.url + "/", options=options, user=user).error
    assert status == "bad_config" and named in message
    assert not server.requests


# ---- OAuth 2 ----

class Tokens:
    """A token endpoint; what it gave last is the only one that the API takes."""

    def __init__(self, server: HostileServer, life: int | str = 3600, delay: float = 0) -> None:
        self.server, self.life, self.delay = server, life, delay
        self.current = ""
        self.lock = threading.Lock()
        self.asked: list[Request] = []
        server.on("/token", self.give)
        server.on("/api", self.check)

    def give(self, answer: Answer) -> bool:
        time.sleep(self.delay)
        with self.lock:
            self.asked.append(answer.request)
            self.current = f"s3cret-token-{len(self.asked)}"
        return answer.reply(200, json.dumps({"token_type": "Bearer", "access_token": self.current,
                                             "expires_in": self.life}).encode())

    def check(self, answer: Answer) -> bool:
        if answer.request.headers.get("authorization") != f"Bearer {self.current}":
            return answer.reply(401, b"wrong token")
        return answer.reply(200, b"welcome")


def oauth(server: HostileServer, **more: str) -> dict[str, str]:
    return {"token_url": server.url + "/token", **more}


CLIENT = {"client_id": "me", "client_secret": "s3cret+client"}


def test_oauth_fetches_one_token_for_all(server: HostileServer) -> None:
    tokens = Tokens(server, delay=0.1)
    got = fetch(server.url + "/api", options=oauth(server, scope="read write", audience="https://api"), user=CLIENT,
                args=("-j", "8", "-n", "3"))
    assert [answer.get("body") for answer in got.answers] == ["welcome"] * 24, got.output
    assert len(tokens.asked) == 1
    request = tokens.asked[0]
    assert request.method == "POST"
    assert dict(parse_qsl(request.body.decode())) == {"grant_type": "client_credentials", "scope": "read write",
                                                      "audience": "https://api"}
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"me:s3cret+client").decode()
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_oauth_client_in_the_body(server: HostileServer) -> None:
    tokens = Tokens(server, life="3600")
    assert fetch(server.url + "/api", options=oauth(server, token_auth="body"), user=CLIENT).answer["status"] == 200
    form = dict(parse_qsl(tokens.asked[0].body.decode()))
    assert (form["client_id"], form["client_secret"]) == ("me", "s3cret+client")
    assert "authorization" not in tokens.asked[0].headers


def test_oauth_renews_before_the_end_and_once_on_401(server: HostileServer) -> None:
    tokens = Tokens(server, life=2)
    got = fetch(server.url + "/api", options=oauth(server), user=CLIENT, args=("-n", "4", "-s", "600"))
    assert [answer["status"] for answer in got.answers] == [200] * 4
    assert len(tokens.asked) == 2
    assert all(request.nth for request in server.requests)

    tokens.life = 3600

    def revoke(answer: Answer) -> bool:
        if answer.request.nth == 2:
            tokens.current = "revoked"
        return tokens.check(answer)
    server.on("/api2", revoke)
    before = len(tokens.asked)
    got = fetch(server.url + "/api2", options=oauth(server), user=CLIENT, args=("-n", "2"))
    assert [answer["status"] for answer in got.answers] == [200] * 2
    assert len(tokens.asked) - before == 2

    server.on("/never", lambda answer: answer.reply(401, b"no"))
    got = fetch(server.url + "/never", options=oauth(server), user=CLIENT)
    assert got.error[0] == "bad_credential"
    assert [request.path for request in server.requests].count("/never") == 2


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"access_token": 1}', b'{"access_token": ""}', b"<html>",
                                  b'{"access_token": "a\\r\\nb"}', b'{"access_token": "\\u0000"}', b'{"access_token": "x',
                                  b"[" * 100_000, b'{"access_token": "' + b"x" * 100_000 + b'"}'])
def test_oauth_answers_without_a_token(server: HostileServer, body: bytes) -> None:
    server.on("/token", lambda answer: answer.reply(200, body))
    server.on("/api", lambda answer: answer.reply())
    assert fetch(server.url + "/api", options=oauth(server), user=CLIENT).error[0] in ("bad_credential", "source_failed")
    assert "/api" not in server.paths()


def test_oauth_refusals_and_redirects(server: HostileServer) -> None:
    server.on("/api", lambda answer: answer.reply())
    server.on("/token", echo)
    got = fetch(server.url + "/api", options=oauth(server, token_auth="body"), user=CLIENT)
    assert got.error[0] == "bad_credential" and "cannot get a token" in got.error[1]
    assert "s3cret" not in got.output
    server.on("/token", lambda answer: answer.redirect("/elsewhere"))
    assert fetch(server.url + "/api", options=oauth(server), user=CLIENT).error[0] == "bad_credential"
    assert "/elsewhere" not in server.paths() and "/api" not in server.paths()
    server.on("/token", one_of_each(lambda answer: answer.reply(503, b"")))
    assert "503" in fetch(server.url + "/api", options=oauth(server), user=CLIENT).error[1]


@pytest.mark.quiet
def test_oauth_waits_can_be_cancelled(server: HostileServer) -> None:
    server.on("/token", lambda answer: answer.stall())
    got = fetch(server.url + "/api", options=oauth(server), user=CLIENT, args=("-j", "3", "-c", "200"))
    assert {answer["error"] for answer in got.answers} == {"canceled"}
    assert max(stat["after_cancel_ms"] for stat in got.stats) < 150


# ---- AWS signatures ----

def sign(request: Request, secret: str, region: str, service: str) -> str:
    """The signature as AWS describes it (Signature Version 4), of what was received."""
    words = request.headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(",")
    given = dict(word.strip().split("=", 1) for word in words)
    names = given["SignedHeaders"].split(";")
    path, _, query = request.target.partition("?")
    pairs = sorted((quote(unquote(name), safe="-._~"), quote(unquote(value), safe="-._~"))
                   for name, _, value in (part.partition("=") for part in query.split("&") if part))
    payload = hashlib.sha256(request.body).hexdigest()
    assert request.headers["x-amz-content-sha256"] == payload
    canonical = "\n".join([
        request.method, quote(unquote(path), safe="/-._~"), "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{' '.join(request.headers[name].split())}" for name in names), "", ";".join(names), payload])
    moment = request.headers["x-amz-date"]
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.strptime(
        moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    assert abs(age.total_seconds()) < 60
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    assert given["Credential"] == f"AKID/{scope}"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for word in [*scope.split("/"), text]:
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names)
    assert given["Signature"] == key.hex(), canonical
    return given["SignedHeaders"]


@pytest.mark.parametrize("target", ["/", "/bucket/a=b/c%20d/ä+e", "/x?b=2&a=1&c", "/x?prefix=a/b c&list-type=2&a-b=1&a=%2f%7e",
                                    "/x?a=1%2B2&a=1&empty="])
def test_aws_signatures(server: HostileServer, target: str) -> None:
    server.on("*", lambda answer: answer.reply())
    options = {"aws_region": "eu-west-1", "aws_service": "s3"}
    user = {"aws_access_key_id": "AKID", "aws_secret_access_key": "s3cret/key", "aws_session_token": "s3cret-session"}
    url = server.url + quote(target, safe="/?&=%+-")
    fetch(url, options=options, user=user)
    fetch(url, options=options, user=user, args=("-X", "PUT", "-d", '{"a": 1}'))
    fetch(url, options=options, user=user, args=("-X", "POST", "-d", '{"a": 1}', "-H", "X-Amz-Meta: a  b"))
    assert len(server.requests) == 3
    for request in server.requests:
        assert "x-amz-security-token" in sign(request, "s3cret/key", "eu-west-1", "s3")


# ---- TLS ----

NO_RETRY = {"max_retries": "0"}


def tls(certificates: Certificates, **more: str) -> dict[str, str]:
    return {**NO_RETRY, "ca_file": str(certificates.authority), **more}


def test_tls_is_verified(certificates: Certificates) -> None:
    cases = {"good": ("DNS:good.test,IP:127.0.0.1", 30), "other": ("DNS:other.test", 30),
             "expired": ("DNS:good.test,IP:127.0.0.1", -1)}
    for name, (subject, days) in cases.items():
        with HostileServer(certificates.server_context(name, subject, days)) as server:
            server.on("*", lambda answer: answer.reply(200, b"fine"))
            url = f"https://good.test:{server.port}/"
            got = fetch(url, options=tls(certificates), hosts="good.test=127.0.0.1", user={"auth_token": "token"})
            if name == "good":
                assert got.answer["body"] == "fine"
                unknown = fetch(url, options=NO_RETRY, hosts="good.test=127.0.0.1")
                assert unknown.error[0] == "connection_failed" and "ca_file" in unknown.answer["hint"]
            else:
                assert got.error[0] == "connection_failed" and "certificate" in got.error[1], (name, got.output)
            assert len(server.requests) == (name == "good")
            off = fetch(url, options={"tls_verify": "off"}, hosts="good.test=127.0.0.1")
            assert off.answer["body"] == "fine"


def test_tls_versions(certificates: Certificates) -> None:
    context = certificates.server_context("versions", "IP:127.0.0.1")
    for version, least, is_fine in [("TLSv1_2", "1.2", True), ("TLSv1_2", "1.3", False), ("TLSv1_3", "1.3", True)]:
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        with HostileServer(context) as server:
            server.on("*", lambda answer: answer.reply())
            got = fetch(server.url + "/", options=tls(certificates, tls_min_version=least))
            assert ("error" not in got.answer) == is_fine, got.output


def test_client_certificates(certificates: Certificates) -> None:
    context = certificates.server_context("mutual", "IP:127.0.0.1")
    context.load_verify_locations(certificates.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = certificates.make("client", "DNS:client")
    with HostileServer(context) as server:
        server.on("*", lambda answer: answer.reply())
        assert "error" in fetch(server.url + "/", options=tls(certificates)).answer
        ours = tls(certificates, client_certificate=str(certificate), client_key=str(key))
        assert fetch(server.url + "/", options=ours).answer["status"] == 200


def test_a_redirect_from_https_to_http_is_refused(certificates: Certificates, server: HostileServer) -> None:
    with HostileServer(certificates.server_context("down", "IP:127.0.0.1")) as secure:
        secure.on("*", lambda answer: answer.redirect(server.url + "/"))
        options = tls(certificates, redirect_hosts=f"127.0.0.1:{server.port}")
        assert "https to http" in fetch(secure.url + "/", options=options).error[1]
    assert server.connection_count == 0


def test_tls_bodies_cut_by_the_network(certificates: Certificates) -> None:
    with HostileServer(certificates.server_context("cut", "IP:127.0.0.1")) as server:
        url = server.on("/", lambda answer: answer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"))
        assert fetch(url, options=tls(certificates)).error[0] == "connection_failed"
        old = server.on("/old", lambda answer: answer.send(b"HTTP/1.0 200 OK\r\n\r\n12345"))
        got = fetch(old, options=tls(certificates))
        assert "error" in got.answer or got.answer["known_end"] == 0


@pytest.mark.parametrize("life", [0, "0"])
def test_oauth_tokens_without_a_life_are_used_once(server: HostileServer, life: int | str) -> None:
    tokens = Tokens(server, life=life)
    got = fetch(server.url + "/api", options=oauth(server), user=CLIENT, args=("-n", "2", "-T", "3000"))
    assert [answer.get("status") for answer in got.answers] == [200] * 2, got.output
    assert len(tokens.asked) == 2


@pytest.mark.parametrize(("kind", "body"), [("application/x-www-form-urlencoded", b"access_token=s3cret-token&scope=all"),
                                            ("text/html", b"<p>s3cret-token</p>")])
def test_oauth_answers_that_hold_a_token_are_not_shown(server: HostileServer, kind: str, body: bytes) -> None:
    server.on("/token", lambda answer: answer.reply(200, body, headers={"Content-Type": kind}))
    got = fetch(server.url + "/api", options=oauth(server), user=CLIENT)
    assert got.error[0] == "bad_credential" and kind in got.error[1]
    assert "s3cret" not in got.output


@pytest.mark.parametrize("form", ["{}", "before {} after", '{{"error": "{}"}}'])
@pytest.mark.parametrize("written", ["s3cret/to+ken=", "s3cret\\/to+ken="])  # PHP writes JSON so
def test_oauth_tokens_that_an_api_repeats_are_not_shown(server: HostileServer, form: str, written: str) -> None:
    server.on("/token", lambda answer: answer.reply(200, b'{"access_token": "s3cret/to+ken="}'))
    server.on("/api", lambda answer: answer.reply(400, form.format(written).encode()))
    got = fetch(server.url + "/api", options=oauth(server), user=CLIENT)
    assert got.error[0] == "source_failed" and "400" in got.error[1]
    assert "s3cret" not in got.output
