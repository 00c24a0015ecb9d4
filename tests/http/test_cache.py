"""Answers that are given again: when, to whom, and what a damaged file does."""
from __future__ import annotations

from pathlib import Path

import pytest
from harness.hostile_http import Answer, HostileServer
from harness.http_fetch import fetch

DAY = {"cache_ttl": "24h"}
SOON = {"cache_ttl": "1ms"}


def test_within_its_time_nothing_is_asked(server: HostileServer) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, b"one", {"X-A": "b"}))
    got = fetch(url, options=DAY, args=("-n", "5"))
    assert [answer["body"] for answer in got.answers] == ["one"] * 5
    assert [answer["cached"] for answer in got.answers] == [0, 1, 1, 1, 1]
    assert [stat["cache_hits"] for stat in got.stats] == [0, 1, 1, 1, 1]
    assert {(answer["type"], answer["headers"], answer["status"]) for answer in got.answers} == {
        ("application/json", 3, 200)}
    assert len(server.requests) == 1
    assert [fetch(url, args=("-n", "2")).stat["cache_hits"], len(server.requests)] == [0, 3]


def test_after_it_the_server_says_whether_it_changed(server: HostileServer) -> None:
    versions = {"now": 1}

    def versioned(answer: Answer) -> bool:
        tag = f'"v{versions["now"]}"'
        if answer.request.nth == 4:
            versions["now"], tag = 2, '"v2"'
        if answer.request.headers.get("if-none-match") == tag:
            answer.head(304, {"ETag": tag})
            return True
        return answer.reply(200, tag.encode(), {"ETag": tag})
    got = fetch(server.on("/x", versioned), options=SOON, args=("-n", "5", "-s", "5"))
    assert [answer["body"] for answer in got.answers] == ['"v1"'] * 3 + ['"v2"'] * 2
    assert [answer["cached"] for answer in got.answers] == [0, 1, 1, 0, 1]
    assert len(server.requests) == 5


def test_last_modified(server: HostileServer) -> None:
    when = "Wed, 21 Oct 2015 07:28:00 GMT"

    def dated(answer: Answer) -> bool:
        if answer.request.headers.get("if-modified-since") == when:
            answer.head(304)
            return True
        return answer.reply(200, b"dated", {"Last-Modified": when})
    got = fetch(server.on("/x", dated), options=SOON, args=("-n", "2", "-s", "5"))
    assert [answer["cached"] for answer in got.answers] == [0, 1]


@pytest.mark.parametrize("headers", [{"Cache-Control": "max-age=5, No-Store"}, {"Vary": "*"}])
def test_what_must_not_be_kept_is_not(server: HostileServer, headers: dict[str, str]) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, b"x", headers))
    fetch(url, options=DAY, args=("-n", "2"))
    assert len(server.requests) == 2


def test_only_whole_answers_to_get_are_kept(server: HostileServer) -> None:
    server.on("/cut", lambda answer: answer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"))
    server.on("/old", lambda answer: answer.send(b"HTTP/1.0 200 OK\r\n\r\n12345"))
    server.on("/error", lambda answer: answer.reply(404, b""))
    server.on("/post", lambda answer: answer.reply())
    for path in ("/cut", "/old", "/error"):
        fetch(server.url + path, options={**DAY, "max_retries": "0"}, args=("-n", "2"))
    fetch(server.url + "/post", options=DAY, args=("-n", "2", "-X", "POST", "-d", "{}"))
    assert sorted(server.paths()) == ["/cut", "/cut", "/error", "/error", "/old", "/old", "/post", "/post"]


def test_who_asks_and_how_is_part_of_the_question(server: HostileServer, tmp_path: Path) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, answer.request.headers.get("authorization", "").encode()))
    kept = ("-C", str(tmp_path))
    for token in ("ann", "bob", "ann"):
        assert fetch(url, options=DAY, user={"auth_token": token}, args=kept).answer["body"] == f"Bearer {token}"
    assert len(server.requests) == 2
    for more in (("-H", "Accept-Language: de"), ("-H", "Accept-Language: en"), ("-t", "application/json")):
        fetch(url, options=DAY, user={"auth_token": "ann"}, args=(*kept, *more))
    fetch(url + "?page=2", options=DAY, user={"auth_token": "ann"}, args=kept)
    assert len(server.requests) == 6


def test_what_is_not_allowed_any_more_is_not_served(server: HostileServer, tmp_path: Path) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, b"one"))
    assert fetch(url, options=DAY, args=("-C", str(tmp_path))).answer["body"] == "one"
    got = fetch(url, options={**DAY, "allow_private": "false"}, args=("-C", str(tmp_path)))
    assert got.error[0] == "connection_failed" and "allow_private" in got.error[1]


def test_files_serve_other_processes(server: HostileServer, tmp_path: Path) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, b"kept" * 1000, {"ETag": '"1"'}))
    for hits in (0, 1, 1):
        got = fetch(url, options=DAY, args=("-C", str(tmp_path)))
        assert got.answer["body"] == "kept" * 1000 and got.stat["cache_hits"] == hits
    assert len(server.requests) == 1
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.name) == 64


def test_a_damaged_file_is_no_answer(server: HostileServer, tmp_path: Path) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, b"kept"))
    fetch(url, options=DAY, args=("-C", str(tmp_path)))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    damages = [b"", whole[:-1], whole + b"x", bytes(len(whole))] + [
        whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:] for at in range(0, len(whole), len(whole) // 20)]
    for damage in damages:
        file.write_bytes(damage)
        got = fetch(url, options=DAY, args=("-C", str(tmp_path)))
        assert got.answer["body"] == "kept" and got.answer["cached"] == 0
        assert file.read_bytes()[:8] == b"IDCHTTP1"
    assert len(server.requests) == len(damages) + 1


def test_files_are_never_followed_elsewhere(server: HostileServer, tmp_path: Path) -> None:
    url = server.on("/x", lambda answer: answer.reply(200, b"kept"))
    folder = tmp_path / "cache"
    folder.mkdir()
    fetch(url, options=DAY, args=("-C", str(folder)))
    (file,) = folder.iterdir()
    other = tmp_path / "other"
    file.rename(other)
    file.symlink_to(other)
    assert fetch(url, options=DAY, args=("-C", str(folder))).answer["cached"] == 0
    assert not file.is_symlink()
    assert fetch(url, options=DAY, args=("-C", str(tmp_path / "missing"))).answer["body"] == "kept"


def test_memory_and_files_are_bounded(server: HostileServer, tmp_path: Path) -> None:
    server.on("*", lambda answer: answer.reply(200, bytes(20_000)))
    options = {**DAY, "cache_size": "100kB"}
    urls = [f"{server.url}/{number}" for number in range(60)]
    fetch(*urls, options=options, args=("-C", str(tmp_path)))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 8 * 102_400
    assert len(list(tmp_path.iterdir())) > 20
    server.on("/big", lambda answer: answer.reply(200, bytes(60_000)))
    fetch(server.url + "/big", options=options, args=("-n", "2"))
    assert server.paths().count("/big") == 2


def test_many_threads_and_one_cache(server: HostileServer, tmp_path: Path) -> None:
    server.on("*", lambda answer: answer.reply(200, answer.request.path.encode() * 100))
    got = fetch(*(f"{server.url}/{number}" for number in range(10)),
                options={**DAY, "cache_size": "64kB"}, args=("-j", "8", "-n", "5", "-C", str(tmp_path)))
    assert all(answer.get("body") in {f"/{number}" * 100 for number in range(10)} for answer in got.answers)
    assert len(got.answers) == 400
