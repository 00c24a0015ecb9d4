"""Where requests go: forbidden addresses in every notation, redirects, other origins; and what goes with them."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.forbidden import LOOPBACKS, OTHERS
from harness.hostile_http import Answer, HostileServer
from harness.http_fetch import fetch

GUARDED = {"allow_private": "", "max_retries": "0"}

HOSTS = ("rebound.test=127.0.0.1 rebound6.test=::1 mapped.test=::ffff:127.0.0.1 metadata.test=169.254.169.254 "
         "private6.test=fd00::1 link.test=fe80::1 other.test=127.0.0.1 api.test=127.0.0.1")


@pytest.fixture
def both(server: HostileServer) -> Iterator[tuple[HostileServer, HostileServer]]:
    with HostileServer() as other:
        other.on("*", lambda answer: answer.reply(200, b'"stolen"'))
        yield server, other


def test_forbidden_addresses_fetch_nothing(server: HostileServer) -> None:
    server.on("*", lambda answer: answer.reply(200, b"secret"))
    targets = [f"http://{host}:{server.port}/" for host in LOOPBACKS + OTHERS]
    targets += [f"http://{user}@127.0.0.1:{server.port}/" for user in ("example.com", "example.com:80", "a:b")]
    targets += [f"http://example.com@127.0.0.1:{server.port}/#@example.com", f"http://127.0.0.1:{server.port}#.com/",
                f"http:127.0.0.1:{server.port}/", f"http:\\\\127.0.0.1:{server.port}\\", f"//127.0.0.1:{server.port}/",
                f"HTTP://127.0.0.1:{server.port}/", f"https://127.0.0.1:{server.port}/"]
    assert len(targets) > 90
    got = fetch(*targets, options=GUARDED, hosts=HOSTS)
    assert len(got.answers) == len(targets)
    for target, answer in zip(targets, got.answers, strict=True):
        assert answer.get("error") in ("connection_failed", "bad_value", "source_failed"), (target, answer)
    assert server.connection_count == 0


def test_allow_private_lets_them_pass(server: HostileServer) -> None:
    server.on("*", lambda answer: answer.reply(200, b"fine"))
    hosts = ["127.0.0.1", "127.1", "2130706433", "localhost", "rebound.test", "0x7f.1"]
    got = fetch(*(f"http://{host}:{server.port}/" for host in hosts), hosts=HOSTS)
    assert [answer.get("body") for answer in got.answers] == ["fine"] * len(hosts)


def test_the_error_names_the_address_and_the_option(server: HostileServer) -> None:
    status, message = fetch(f"http://rebound.test:{server.port}/", options=GUARDED, hosts=HOSTS).error
    assert status == "connection_failed"
    assert message == (f"GET http://rebound.test:{server.port}/: cannot connect: 127.0.0.1 is a loopback address, "
                       "and the server's option allow_private is off")


def test_local_options_are_for_superusers(server: HostileServer) -> None:
    url = server.on("/", lambda answer: answer.reply())
    for option in ({"allow_private": "true"}, {"allow_private": "", "tls_verify": "off"},
                   {"allow_private": "", "ca_file": "/etc/passwd"}, {"allow_private": "", "proxy": server.url},
                   {"allow_private": "", "client_certificate": "/etc/passwd"}):
        got = fetch(url, options=option, args=("-L",))
        assert got.error[0] == "bad_config" and "superusers" in got.error[1], option
    assert "superusers" not in fetch(url, options={"allow_private": "false", "tls_verify": "on"}, args=("-L",)).error[1]
    assert server.connection_count == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/x", "dict://127.0.0.1/",
                                 "javascript:1", "", "/x", "http://", "http://a b/", "ws://127.0.0.1/",
                                 "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://[::1/", "http://a\r\nb/"])
def test_only_http_urls(url: str) -> None:
    assert fetch(url).error[0] == "bad_value"


def test_a_proxy_does_not_open_the_gate(server: HostileServer) -> None:
    server.on("*", lambda answer: answer.reply(200, b"by proxy"))
    proxied = {"allow_private": "", "proxy": server.url, "max_retries": "0"}
    assert fetch("http://example.com/x", options=proxied).answer["body"] == "by proxy"
    assert server.requests[0].target == "http://example.com/x"
    hosts = ["127.0.0.1", "localhost", "2130706433", "[::1]", "169.254.169.254", "x.localhost", "[::ffff:10.0.0.1]"]
    got = fetch(*(f"http://{host}/" for host in hosts), options=proxied)
    assert {answer["error"] for answer in got.answers} == {"connection_failed"}
    assert len(server.requests) == 1


# ---- redirects ----

@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_on_the_origin_are_followed(server: HostileServer, status: int) -> None:
    server.on("/a/b", lambda answer: answer.redirect("../c?x=1", status))
    server.on("/c", lambda answer: answer.redirect(f"{server.url.upper()}/d d", status))
    server.on("/d%20d", lambda answer: answer.reply(200, b"there"))
    got = fetch(server.url + "/a/b", user={"auth_token": "token-abc"})
    assert got.answer["body"] == "there"
    assert got.answer["url"] == server.url + "/d%20d"
    assert server.paths() == ["/a/b", "/c?x=1", "/d%20d"]
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer token-abc"}


def test_redirects_have_an_end(server: HostileServer) -> None:
    server.on("*", lambda answer: answer.redirect(f"/{int(answer.request.path[1:]) + 1}"))
    assert "more than 5 times" in fetch(server.url + "/1").error[1]
    assert len(server.requests) == 6
    server.on("/loop", lambda answer: answer.redirect("/loop2"))
    server.on("/loop2", lambda answer: answer.redirect("/loop"))
    assert "circle" in fetch(server.url + "/loop").error[1]
    assert fetch(server.on("/none", lambda answer: answer.reply(302, b""))).error[0] == "source_failed"


@pytest.mark.parametrize("location", [
    "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://127.0.0.1/",
    "//127.0.0.1:{other}/", "http://127.0.0.1:{other}/", "http://localhost:{port}/", "http://user@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/", "http://127.0.0.1:{port}@127.0.0.1:{other}/", "http://[::1]:{port}/", "http:\\\\evil/",
    "javascript:alert(1)", "http://127.0.0.1:{other}\\@127.0.0.1:{port}/", "data:text/plain,x", "http://", "\\\\x\\y",
])
def test_redirects_elsewhere_are_refused(both: tuple[HostileServer, HostileServer],
                                         location: str) -> None:
    server, other = both
    server.on("/", lambda answer: answer.redirect(location.format(other=other.port, port=server.port)))
    server.on("*", lambda answer: answer.reply(404, b""))
    got = fetch(server.url + "/", user={"auth_token": "token-abc"}, options={"max_retries": "0"})
    assert got.error[0] == "source_failed"
    assert other.connection_count == 0
    assert "token-abc" not in got.output


def test_a_redirect_to_a_forbidden_address_is_refused_by_the_guard(both: tuple[HostileServer, HostileServer]) -> None:
    """Even to a host that is listed: the first connection is by a proxy, as a public API would be reached."""
    server, other = both
    server.on("*", lambda answer: answer.redirect(f"http://127.0.0.1:{other.port}/"))
    got = fetch("http://example.com/", options={"allow_private": "", "proxy": server.url, "max_retries": "0",
                                                "redirect_hosts": f"127.0.0.1:{other.port}"})
    assert "loopback" in got.error[1]
    assert other.connection_count == 0


SECRETS = {
    "bearer": {"auth_token": "token-abc"}, "basic": {"username": "ann", "password": "word-abc"},
    "api_key_header": {"api_key": "key-abc"}, "api_key_query": {"api_key": "key-abc"},
}


@pytest.mark.parametrize("auth", SECRETS)
def test_listed_hosts_get_no_secret(both: tuple[HostileServer, HostileServer], auth: str) -> None:
    server, other = both
    server.on("/", lambda answer: answer.redirect(f"http://other.test:{other.port}/x"))
    other.on("/x", lambda answer: answer.redirect(f"{server.url}/back"))
    server.on("/back", lambda answer: answer.reply(200, b"back"))
    got = fetch(server.url + "/", options={"auth": auth, "base_url": server.url,
                                           "redirect_hosts": f"other.test:{other.port}, 127.0.0.1:{server.port}"},
                user=SECRETS[auth], hosts=HOSTS,
                args=("-H", "X-Team-Token: abc", "-H", "Cookie: s=abc", "-H", "Accept: text/x", "-k", "idem"))
    assert got.answer["body"] == "back"
    assert "abc" in str(server.requests[0].headers) + server.requests[0].target
    for request in (other.requests[0], server.requests[1]):
        assert "abc" not in str(request.headers) + request.target, request
        assert "idempotency-key" not in request.headers
        assert request.headers["accept"] == "text/x"


def test_requests_stay_on_the_origin_of_base_url(both: tuple[HostileServer, HostileServer]) -> None:
    server, other = both
    server.on("*", lambda answer: answer.reply(200, b"mine"))
    token = {"auth_token": "token-abc"}
    base = {"base_url": server.url + "/v1", "max_retries": "0"}
    assert fetch(server.url + "/v1/x", options=base, user=token).answer["body"] == "mine"
    status, message = fetch(other.url + "/x", options=base, user=token).error
    assert status == "source_failed" and "redirect_hosts" in message
    assert other.connection_count == 0
    listed = {**base, "redirect_hosts": f"127.0.0.1:{other.port}"}
    assert fetch(other.url + "/x", options=listed, user=token).answer["body"] == '"stolen"'
    assert fetch(other.url + "/x", options=base, user=token, args=("-P", "-H", "X-A: abc")).answer["status"] == 200
    for request in other.requests:
        assert "abc" not in str(request.headers)


@pytest.mark.parametrize(("status", "is_followed"), [(301, False), (302, False), (303, True), (307, True), (308, True)])
def test_a_write_is_not_lost_by_a_redirect(server: HostileServer, status: int, is_followed: bool) -> None:
    server.on("/", lambda answer: answer.redirect("/there", status))
    server.on("/there", lambda answer: answer.reply(200, answer.request.method.encode() + answer.request.body))
    got = fetch(server.url + "/", args=("-X", "POST", "-d", "{}"))
    if is_followed:
        assert got.answer["body"] == ("GET" if status == 303 else "POST{}")
    else:
        assert "may write" in got.error[1]


def test_a_write_does_not_go_to_strangers(both: tuple[HostileServer, HostileServer]) -> None:
    server, other = both
    server.on("/", lambda answer: answer.redirect(other.url + "/", 307))
    got = fetch(server.url + "/", options={"redirect_hosts": f"127.0.0.1:{other.port}"}, args=("-X", "POST", "-d", "x"))
    assert got.error[0] == "source_failed"
    assert other.connection_count == 0


def test_conditional_and_range_answers_are_no_surprise(server: HostileServer) -> None:
    def partial(answer: Answer) -> bool:
        return answer.reply(206, b"x", {"Content-Range": "bytes 0-0/10"})
    assert fetch(server.on("/", partial)).answer["status"] == 206
