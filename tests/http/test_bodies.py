"""Bodies: whole ones, cut ones, long ones, compressed ones; and how long any of it may take."""
from __future__ import annotations

import gzip
import hashlib
import socket
import subprocess
import time
from pathlib import Path

import pytest
from harness.hostile_http import Answer, HostileServer, gzip_bomb, one_of_each
from harness.http_fetch import fetch

BODY = b'[{"id": 1, "name": "Alice"}, {"id": 2, "name": "Bob"}]'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY), BODY)
CHUNKED = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
           b"10\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (BODY[:16], len(BODY) - 16, BODY[16:]))
NO_RETRY = {"max_retries": "0"}


def test_body_head_and_counts(server: HostileServer) -> None:
    url = server.on("/rows", lambda answer: answer.reply(200, BODY, {"Content-Type": "Application/JSON; charset=x"}))
    got = fetch(url + "?page=1#fragment")
    assert got.answer["status"] == 200
    assert got.answer["body"] == BODY.decode()
    assert got.answer["type"] == "application/json"
    assert got.answer["known_end"] == 1
    assert got.stat["requests"] == 1 and got.stat["retries"] == 0
    assert got.stat["received"] > len(BODY)
    request = server.requests[0]
    assert request.target == "/rows?page=1"
    assert {"gzip", "br", "zstd"} <= {word.strip() for word in request.headers["accept-encoding"].split(",")}
    assert "cookie" not in request.headers and "authorization" not in request.headers


@pytest.mark.parametrize("whole", [WHOLE, CHUNKED], ids=["length", "chunked"])
def test_an_answer_cut_at_any_byte_is_an_error(server: HostileServer, whole: bytes) -> None:
    server.on("*", lambda answer: answer.send(whole[:int(answer.request.path[1:])]))
    got = fetch(*(f"{server.url}/{cut}" for cut in range(len(whole) + 1)), options=NO_RETRY)
    # (The last line feed of all, which says nothing, may be missing.)
    for cut, answer in enumerate(got.answers[:-2 if whole is CHUNKED else -1]):
        assert answer.get("error") == "connection_failed", (cut, answer)
    assert got.answers[-1]["body"] == BODY.decode()


def test_a_reset_is_an_error(server: HostileServer) -> None:
    def reset(answer: Answer) -> None:
        answer.send(WHOLE[:-5])
        time.sleep(0.05)
        answer.reset()
    status, message = fetch(server.on("/reset", reset), options=NO_RETRY).error
    assert status == "connection_failed"
    assert "broke" in message


def test_more_than_content_length_is_not_read(server: HostileServer) -> None:
    url = server.on("/long", lambda answer: answer.send(WHOLE + b"[1, 2, 3]"))
    assert fetch(url).answer["body"] == BODY.decode()


@pytest.mark.parametrize("head", [
    b"Content-Length: 10\r\nContent-Length: 20", b"Content-Length: -1", b"Content-Length: 99999999999999999999999",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"Content-Length: x",
])
def test_contradictory_lengths_do_not_give_a_short_body(server: HostileServer, head: bytes) -> None:
    url = server.on("/length", lambda answer: answer.send(
        b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + BODY[:5]))
    assert "error" in fetch(url, options=NO_RETRY).answer


def test_the_end_of_the_connection_as_the_end_of_the_body_is_told(server: HostileServer) -> None:
    url = server.on("/old", lambda answer: answer.send(b"HTTP/1.0 200 OK\r\n\r\n" + BODY))
    got = fetch(url)
    assert got.answer["body"] == BODY.decode()
    assert got.answer["known_end"] == 0


@pytest.mark.parametrize("garbage", [b"", b"\0" * 100, b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/9.9 200 OK\r\n\r\n",
                                     b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n\0\0\0: x\r\n\r\n" + b"x" * 10,
                                     b"<html>", b"HTTP/1.1 999999 OK\r\n\r\n"])
def test_what_is_no_http_is_an_error(server: HostileServer, garbage: bytes) -> None:
    url = server.on("/garbage", lambda answer: answer.send(garbage))
    assert fetch(url, options=NO_RETRY).answer.get("error") in ("connection_failed", "source_failed")


def test_interim_answers_and_trailers(server: HostileServer) -> None:
    url = server.on("/interim", lambda answer: answer.send(
        b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"))
    got = fetch(url)
    assert got.answer["body"] == "abc"
    assert got.answer["headers"] == 2


def test_heads_are_bounded(server: HostileServer) -> None:
    def endless(answer: Answer) -> None:
        answer.send(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            answer.send(b"X-%d: %s\r\n" % (number, b"x" * 1000))
    status, message = fetch(server.on("/head", endless)).error
    assert status == "source_failed" and "65536 bytes" in message
    url = server.on("/many", lambda answer: answer.head(200, {f"X-{i}": "" for i in range(600)}))
    assert "500 headers" in fetch(url).error[1]


def test_a_long_body_streams_in_bounded_memory(server: HostileServer) -> None:
    piece = bytes(range(256)) * 4096

    def gigabyte(answer: Answer) -> None:
        answer.head(200, {"Content-Length": str(len(piece) * 1024)})
        for _ in range(1024):
            answer.send(piece)
    got = fetch(server.on("/gigabyte", gigabyte), options={"max_response_size": "2GB"}, args=("-q",))
    assert got.answer["bytes"] == 1 << 30
    assert 0 < got.stat["peak_kb"] < 64 * 1024


def test_what_is_not_read_is_not_received(server: HostileServer) -> None:
    sent = 0

    def endless(answer: Answer) -> None:
        nonlocal sent
        answer.head(200, {"Content-Length": str(1 << 30)})
        for _ in range(1024):
            answer.send(bytes(1 << 20))
            sent += 1
    got = fetch(server.on("/endless", endless), args=("-l", "100000", "-s", "300"))
    assert got.answer["bytes"] >= 100000
    assert sent < 30
    assert 0 < got.stat["peak_kb"] < 64 * 1024


def test_max_response_size(server: HostileServer) -> None:
    url = server.on("/big", lambda answer: answer.reply(200, bytes(2_000_000)))
    status, message = fetch(url, options={"max_response_size": "1MB"}).error
    assert status == "source_failed" and "max_response_size" in message
    assert fetch(url, options={"max_response_size": "2000000"}).answer["bytes"] == 2_000_000


def compress(program: str, data: bytes) -> bytes:
    return subprocess.run([program, "-1", "-c"], input=data, capture_output=True, check=True).stdout


def test_compressed_bodies(server: HostileServer) -> None:
    data = b"".join(b'{"id": %d, "name": "row"}\n' % i for i in range(100_000))
    bodies = {"gzip": gzip.compress(data), "zstd": compress("zstd", data), "identity": data}
    server.on("*", lambda answer: answer.reply(200, bodies[answer.request.path[1:]],
                                               {"Content-Encoding": answer.request.path[1:]}))
    got = fetch(*(f"{server.url}/{coding}" for coding in bodies))
    assert [answer["sha256"] for answer in got.answers] == [hashlib.sha256(data).hexdigest()] * 3
    bad = server.on("/bad", lambda answer: answer.reply(200, b"no gzip", {"Content-Encoding": "gzip"}))
    assert "error" in fetch(bad, options=NO_RETRY).answer


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_decompression_bombs_are_refused(server: HostileServer, framing: str) -> None:
    bomb = gzip_bomb(1000)

    def explode(answer: Answer) -> None:
        if framing == "length":
            answer.reply(200, bomb, {"Content-Encoding": "gzip"})
        else:
            answer.head(200, {"Content-Encoding": "gzip", "Transfer-Encoding": "chunked"})
            answer.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb))
    got = fetch(server.on("/bomb", explode))
    status, message = got.error
    assert status == "source_failed" and "bomb" in message
    assert 0 < got.stat["peak_kb"] < 100 * 1024
    assert got.answer["bytes"] < 20_000_000


def test_a_zstd_bomb_is_refused(server: HostileServer) -> None:
    bomb = compress("zstd", bytes(200 * 1024 * 1024))
    got = fetch(server.on("/bomb", lambda answer: answer.reply(200, bomb, {"Content-Encoding": "zstd"})))
    assert "bomb" in got.error[1]
    assert 0 < got.stat["peak_kb"] < 100 * 1024


# ---- time ----

def test_no_answer(server: HostileServer) -> None:
    url = server.on("/silent", lambda answer: answer.stall())
    status, message = fetch(url, options={"header_timeout": "200ms", "max_retries": "1"}).error
    assert status == "timeout" and "header_timeout" in message
    assert len(server.requests) == 2


def test_a_head_that_drips_is_no_answer(server: HostileServer) -> None:
    url = server.on("/drip", lambda answer: answer.drip(WHOLE, 0.05))
    assert "header_timeout" in fetch(url, options={"header_timeout": "300ms", "max_retries": "0"}).error[1]


def test_a_body_that_stops_or_drips(server: HostileServer) -> None:
    def stop(answer: Answer) -> None:
        answer.send(WHOLE[:-1])
        answer.stall()

    def drip(answer: Answer) -> None:
        answer.head(200, {"Content-Length": "100000"})
        answer.drip(bytes(1000), 0.02)
    got = fetch(server.on("/stop", stop), server.on("/drip", drip),
                options={"idle_timeout": "300ms", "max_retries": "0"})
    assert [answer["error"] for answer in got.answers] == ["timeout", "timeout"]
    assert "idle_timeout" in got.answers[0]["message"]


def test_request_timeout(server: HostileServer) -> None:
    def slow(answer: Answer) -> None:
        answer.head(200, {"Content-Length": "1000000"})
        answer.drip(bytes(1_000_000), 0.02, 1000)
    status, message = fetch(server.on("/slow", slow), options={"request_timeout": "300ms", "max_retries": "0"}).error
    assert status == "timeout" and "request_timeout" in message


@pytest.mark.quiet
def test_a_slow_reader_is_no_slow_server(server: HostileServer) -> None:
    url = server.on("/big", lambda answer: answer.reply(200, bytes(20_000_000)))
    got = fetch(url, options={"idle_timeout": "100ms", "request_timeout": "2s"}, args=("-s", "150"))
    assert got.answer["bytes"] == 20_000_000


@pytest.mark.quiet
def test_what_nobody_waited_for_is_not_late(server: HostileServer) -> None:
    """The first body is read for longer than the second one has time to connect and to answer."""
    first = server.on("/first", lambda answer: answer.reply(200, bytes(5_000_000)))
    second = server.on("/second", lambda answer: answer.reply(200, b"second"))
    got = fetch(first, second, args=("-s", "60"),
                options={"connect_timeout": "100ms", "header_timeout": "100ms", "max_retries": "0"})
    assert got.answers[1]["body"] == "second"


@pytest.mark.quiet
def test_the_call_has_a_limit_of_its_own(server: HostileServer) -> None:
    got = fetch(server.on("/silent", lambda answer: answer.stall()), args=("-T", "200"))
    assert got.error[0] == "timeout"
    assert 190 <= got.stat["elapsed_ms"] < 450


@pytest.mark.quiet
@pytest.mark.parametrize("where", ["name", "connect", "tls", "head", "body", "backoff", "rate"])
def test_cancel_acts_at_once(server: HostileServer, where: str) -> None:
    def body(answer: Answer) -> None:
        answer.head(200, {"Content-Length": "1000"})
        answer.stall()
    silent = server.on("/silent", lambda answer: answer.stall())
    busy = server.on("/busy", lambda answer: answer.reply(503, b"", {"Retry-After": "30"}))
    fine = server.on("/fine", lambda answer: answer.reply())
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    urls = {
        "name": ["http://dead.test/"], "connect": [f"http://127.0.0.1:{full.getsockname()[1]}/"],
        "tls": [f"https://127.0.0.1:{full.getsockname()[1]}/"], "head": [silent],
        "body": [server.on("/body", body)], "backoff": [busy], "rate": [fine, fine, fine],
    }
    got = fetch(*urls[where], args=("-c", "200"), hosts="dead.test=dead",
                options={"rate_limit": "0.01"} if where == "rate" else {})
    assert got.answers[-1]["error"] == "canceled"
    assert got.stat["after_cancel_ms"] < 100
    for one in [*waiting, full]:
        one.close()


# ---- repetitions ----

@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_failures_are_repeated(server: HostileServer, status: int) -> None:
    url = server.on("/", one_of_each(lambda answer: answer.reply(status, b"busy"), lambda answer: answer.reply(200)))
    got = fetch(url)
    assert got.answer["body"] == "{}"
    assert (got.stat["requests"], got.stat["retries"]) == (2, 1)


@pytest.mark.parametrize("broken", [b"", WHOLE[:20], WHOLE[:-1], b"garbage"])
def test_broken_answers_are_repeated_unless_something_was_read(server: HostileServer,
                                                               broken: bytes) -> None:
    url = server.on("/", one_of_each(lambda answer: answer.send(broken), lambda answer: answer.send(WHOLE)))
    got = fetch(url)
    if broken in (b"", WHOLE[:20]):
        assert got.answer["body"] == BODY.decode()
    else:
        # Either the end came with the bytes, so it was repeated; or the bytes were read already.
        assert got.answer.get("body") == BODY.decode() or "error" in got.answer


def test_it_is_not_repeated_for_ever(server: HostileServer) -> None:
    got = fetch(server.on("/", lambda answer: answer.reply(503, b"down for\n\n maintenance")))
    status, message = got.error
    assert status == "source_failed"
    assert "503 Service Unavailable after 4 repetitions: down for maintenance" in message
    assert len(server.requests) == 5
    assert len(fetch(server.url + "/none").answers) == 1 and server.requests[-1].nth == 1  # 404: once


def test_a_write_is_not_repeated_unless_it_may(server: HostileServer) -> None:
    url = server.on("/", lambda answer: answer.reply(503, b""))
    cut = server.on("/cut", lambda answer: answer.send(b"HTTP/1.1 20"))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for target in (url, cut):
            before = len(server.requests)
            fetch(target, args=("-X", method, "-d", "{}"))
            assert len(server.requests) == before + 1, method
    before = len(server.requests)
    fetch(url, args=("-X", "POST", "-d", "{}", "-k", "key-1"))
    again = server.requests[before:]
    assert len(again) == 5
    assert {request.headers["idempotency-key"] for request in again} == {"key-1"}
    assert {request.body for request in again} == {b"{}"}


def test_a_write_is_not_sent_again_on_a_connection_that_closed(server: HostileServer) -> None:
    """curl by itself would: the connection is kept, then closed by the server as the request comes."""
    def once(answer: Answer) -> bool:
        if answer.request.nth == 1:
            return answer.reply(201)
        answer.reset()
        return False
    got = fetch(server.on("/", once), args=("-X", "POST", "-d", "{}", "-n", "2"))
    assert got.answers[0]["status"] == 201 and "error" in got.answers[1]
    assert len(server.requests) == 2


def test_retry_after_in_seconds_and_as_a_date(server: HostileServer) -> None:
    def later(answer: Answer) -> bool:
        when = "1" if answer.request.path == "/seconds" else time.strftime(
            "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))
        return answer.reply(429, b"", {"Retry-After": when})
    for path in ("/seconds", "/date"):
        url = server.on(path, one_of_each(later, lambda answer: answer.reply()))
        assert fetch(url).answer["status"] == 200
        first, second = server.requests[-2:]
        assert second.received - first.received >= 0.99


def test_too_long_a_retry_after_is_an_error(server: HostileServer) -> None:
    url = server.on("/", lambda answer: answer.reply(429, b"", {"Retry-After": "3600"}))
    status, message = fetch(url).error
    assert status == "source_failed"
    assert "3600 s" in message and "max_retry_wait" in message
    assert len(server.requests) == 1


def test_the_rate_limit(server: HostileServer) -> None:
    url = server.on("/", lambda answer: answer.reply())
    fetch(*[url] * 3, options={"rate_limit": "20"}, args=("-j", "3"))
    times = sorted(request.received for request in server.requests)
    assert len(times) == 9
    assert times[-1] - times[0] >= 8 * 0.05 - 0.02


# ---- several at once ----

@pytest.mark.quiet
def test_pages_come_while_another_is_read(server: HostileServer) -> None:
    def slow(answer: Answer) -> bool:
        time.sleep(0.3)
        return answer.reply(200, answer.request.target.encode())
    server.on("/page", slow)
    got = fetch(*(f"{server.url}/page?{i}" for i in range(10)))
    assert [answer["body"] for answer in got.answers] == [f"/page?{i}" for i in range(10)]
    assert got.stat["elapsed_ms"] < 1500


def test_connections_are_used_again(server: HostileServer) -> None:
    url = server.on("/", lambda answer: answer.reply(200, BODY))
    got = fetch(url, args=("-n", "20"))
    assert len(got.answers) == 20 and server.connection_count == 1


def test_many_threads_of_one_client(server: HostileServer) -> None:
    url = server.on("/", lambda answer: answer.reply(200, BODY))
    got = fetch(url, url, args=("-j", "16", "-n", "10"))
    assert [answer.get("body") for answer in got.answers] == [BODY.decode()] * 320


# ---- what is said ----

@pytest.mark.parametrize(("status", "kind"), [(400, "source_failed"), (401, "bad_credential"), (403, "bad_credential"),
                                              (404, "source_failed"), (451, "source_failed"), (304, "source_failed")])
def test_errors_say_what_the_server_said(server: HostileServer, status: int, kind: str) -> None:
    url = server.on("/x", lambda answer: answer.reply(
        status, b'' if status == 304 else b'{"message": "no such\x07 thing \xff\xfe \xc3\xa9"}' + b" padding" * 1000))
    got = fetch(url)
    assert got.error[0] == kind
    assert f"GET {url}: the server answered {status}" in got.error[1]
    if status != 304:
        assert '{"message": "no such thing é"} padding' in got.error[1]
        assert len(got.error[1]) < 400


def test_accepted_statuses(server: HostileServer) -> None:
    url = server.on("/x", lambda answer: answer.reply(404, b"[]"))
    assert fetch(url, args=("-a", "404")).answer["body"] == "[]"


def test_a_wrong_type_is_an_error_with_an_excerpt(server: HostileServer) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, b"<html>Please log in", {"Content-Type": "text/html"}))
    status, message = fetch(url, args=("-t", "application/json", "-t", "+json")).error
    assert status == "source_failed"
    assert "text/html where application/json is expected: <html>Please log in" in message
    fine = server.on("/y", lambda answer: answer.reply(200, b"{}", {"Content-Type": "application/hal+json"}))
    assert fetch(fine, args=("-t", "application/json", "-t", "+json")).answer["status"] == 200
    assert server.requests[-1].headers["accept"].startswith("application/json")


def test_header_injection_is_refused(server: HostileServer) -> None:
    url = server.on("/", lambda answer: answer.reply())
    for header in ("X-A: b\r\nX-Evil: 1", "X Y: 1", ": 1", "X-A: b\nc"):
        assert fetch(url, args=("-H", header)).error[0] == "bad_value"
    assert not server.requests
    assert fetch(url, args=("-H", "X-A: b", "-H", "X-Empty:")).answer["status"] == 200
    assert server.requests[0].headers["x-a"] == "b" and server.requests[0].headers["x-empty"] == ""


def test_the_surroundings_do_not_matter(server: HostileServer, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("default login user password netrc-secret\n")
    url = server.on("/", lambda answer: answer.reply(200, b"{}", {"Set-Cookie": "a=b"}))
    proxy = "http://127.0.0.1:1"
    got = fetch(url, args=("-n", "2"), env={"HOME": str(tmp_path), "http_proxy": proxy, "HTTP_PROXY": proxy,
                                            "ALL_PROXY": proxy, "all_proxy": proxy})
    assert [answer["status"] for answer in got.answers] == [200, 200]
    assert all("authorization" not in request.headers and "cookie" not in request.headers
               for request in server.requests)


def test_the_rest_of_an_answer_is_no_other_answer(server: HostileServer) -> None:
    """What comes behind a body belongs to nobody: the next request on that connection is made anew."""
    def late(answer: Answer) -> bool:
        if server.counts["/late"] == 2:
            answer.send(b"the rest of the first body")  # instead of an answer
            return False
        return answer.reply(200, WHOLE)
    got = fetch(server.on("/late", late), options={"max_retries": "2"}, args=("-n", "2"))
    assert [answer["status"] for answer in got.answers] == [200, 200]
    assert server.counts["/late"] == 3
