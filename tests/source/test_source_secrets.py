"""Secrets reach the source and nobody else: not the error that the source makes of them, not ps, not the log."""
from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from harness import relation as rel
from harness.source_client import SourceError, SourceSession, program

SECRET = "hunter2/+&hunter2"
ITEMS = rel.scan("items", [rel.column("id", rel.INT4)], {"endpoint": "/items"})


class Gossip(http.server.BaseHTTPRequestHandler):
    """Tells the whole request to whoever asks, as an error."""
    seen: list[str] = []

    def do_GET(self) -> None:  # noqa: N802
        said = f"who is {self.headers.get('Authorization')} {self.headers.get('X-API-Key')} at {self.path}?"
        Gossip.seen.append(said)
        body = f'{{"error": "{said}", "message": "{said}"}}'.encode()
        self.send_response(401, said)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Gossip.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gossip) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir(0o700)
    (folder / "api").write_text(f"# of the tests\nauth_token = {SECRET}\n")
    (folder / "api").chmod(0o600)
    (tmp_path / "token").write_text(SECRET + "\n")
    return folder


def ways(credentials: Path) -> dict[str, dict[str, str]]:
    return {"plain": {"auth_token": SECRET}, "variable": {"auth_token": "env:TEST_TOKEN"},
            "file": {"auth_token": f"file:{credentials.parent / 'token'}"}, "credential": {"credential": "api"}}


def assert_kept(text: str) -> None:
    assert SECRET not in text and quote(SECRET, safe="") not in text and "hunter2" not in text, text


@pytest.mark.parametrize("way", ["plain", "variable", "file", "credential"])
def test_a_secret_reaches_the_source_and_not_the_error(url: str, credentials: Path, way: str) -> None:
    with SourceSession("rest", server_options={"base_url": url, "allow_private": "true", "max_retries": "0"},
                       user_options=ways(credentials)[way], credential_directory=str(credentials),
                       environment={"TEST_TOKEN": SECRET}) as session:
        with pytest.raises(SourceError) as caught:
            session.open(ITEMS).table()
        assert any(f"Bearer {SECRET}" in said for said in Gossip.seen)
        assert_kept(caught.value.everything())
        assert_kept(Path(f"/proc/{session.process.pid}/cmdline").read_text())


def test_a_secret_in_an_address_is_kept_too(url: str) -> None:
    with SourceSession("rest", server_options={"base_url": url, "allow_private": "true", "max_retries": "0",
                                               "auth": "api_key_query", "api_key_name": "key"},
                       user_options={"api_key": SECRET}) as session:
        with pytest.raises(SourceError) as caught:
            session.open(ITEMS).table()
        assert any(f"key={quote(SECRET, safe='')}" in said for said in Gossip.seen), Gossip.seen
        assert_kept(caught.value.everything())


@pytest.mark.parametrize(("options", "words", "sqlstate"), [
    ({"auth_token": "env:TEST_NO_TOKEN"}, 'option "auth_token": environment variable "TEST_NO_TOKEN" is not set', "28P01"),
    ({"auth_token": "file:/nonexistent"}, 'cannot read "/nonexistent"', "28P01"),
    ({"auth_token": "file:token"}, "not absolute", "28P01"), ({"credential": "other"}, 'credential "other"', "28P01"),
    ({"credential": "../token"}, "not the name of a credential", "28P01"), ({"auth_tokem": "x"}, "auth_tokem", "HV00D")])
def test_where_a_secret_cannot_come_from(url: str, credentials: Path, options: dict[str, str], words: str,
                                         sqlstate: str) -> None:
    session = SourceSession("rest", greet=False)
    with pytest.raises(SourceError) as caught:
        session.greet("rest", server_options={"base_url": url}, user_options=options,
                      credential_directory=str(credentials))
    assert words in caught.value.message and caught.value.sqlstate == sqlstate
    assert session.end()[0] == 1


@pytest.mark.parametrize("way", ["variable", "file", "credential"])
def test_only_servers_of_superusers_read_this_machine(url: str, credentials: Path, way: str) -> None:
    session = SourceSession("rest", greet=False, environment={"TEST_TOKEN": SECRET})
    with pytest.raises(SourceError) as caught:
        session.greet("rest", server_options={"base_url": url}, user_options=ways(credentials)[way],
                      credential_directory=str(credentials), may_use_local=False)
    assert caught.value.sqlstate == "42501"
    assert_kept(caught.value.everything())
    session.end()


def test_by_hand_a_secret_is_not_on_the_command_line(url: str, credentials: Path) -> None:
    base = [str(program()), "--adapter", "rest", "--server-option", f"base_url={url}", "--server-option",
            "allow_private=true", "--server-option", "max_retries=0"]
    plain = subprocess.run([*base, "--user-option", f"auth_token={SECRET}"], input=rel.write(ITEMS), capture_output=True)
    assert plain.returncode == 1 and b"may not stand on the command line" in plain.stderr
    assert_kept(plain.stderr.decode())
    for more in (["--user-option", f"auth_token=file:{credentials.parent / 'token'}"],
                 ["--option-file", str(credentials / "api")],
                 ["--user-option", "credential=api", "--credential-directory", str(credentials)]):
        Gossip.seen.clear()
        done = subprocess.run([*base, *more], input=rel.write(ITEMS), capture_output=True)
        assert done.returncode == 1
        assert any(f"Bearer {SECRET}" in said for said in Gossip.seen), done.stderr
        assert_kept(done.stderr.decode())
