"""Each allocation fails in turn: an error or the right answer, and nothing else."""
from __future__ import annotations

import os

import pytest
from harness.hostile_http import Answer, HostileServer
from harness.http_fetch import TOOL, fetch


@pytest.mark.skipif("sanitize" in str(TOOL), reason="sanitizers have allocators of their own")
@pytest.mark.parametrize("kind", ["plain", "redirect", "retry", "oauth", "cache"])
def test_each_allocation_fails_in_turn(server: HostileServer, kind: str) -> None:
    def plain(answer: Answer) -> bool:
        return answer.reply(200, b"[1]" * 10_000, {"ETag": '"1"'})
    server.on("/plain", plain)
    server.on("/redirect", lambda answer: answer.redirect("/plain"))
    server.on("/retry", lambda answer: answer.reply(503) if answer.request.nth % 2 else plain(answer))
    server.on("/token", lambda answer: answer.reply(200, b'{"access_token": "abc", "expires_in": "60"}'))
    options = {"oauth": {"token_url": server.url + "/token"}, "cache": {"cache_ttl": "1ms"}}.get(kind, {})
    user = {"oauth": {"client_id": "a", "client_secret": "secret"}}.get(kind, {})
    path = kind if kind in ("redirect", "retry") else "plain"
    rounds = ("-n", "2") if kind == "cache" else ()
    failures = 0
    for number in range(0, 3000, int(os.environ.get("HTTP_FETCH_STEP", "7"))):
        got = fetch(f"{server.url}/{path}", options=options, user=user, args=("-H", "X-A: b", *rounds),
                    env={"HTTP_FETCH_FAIL": str(number)})
        for answer in got.answers:
            assert "error" in answer or answer["bytes"] == 30_000, got.output
        failures += any("error" in answer for answer in got.answers)
        if not got.stat["failed"]:
            break
    else:
        pytest.fail("the allocations do not end")
    assert failures > 3
