"""The command `instant`: answers, formats, exit codes and signals, against real servers."""
from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
COMMAND = os.environ.get("INSTANT_CLI", str(Path(__file__).resolve().parents[2] / "build" / "instant"))


@pytest.fixture(scope="module")
def ready(cli: Cli) -> Cli:
    """The command, after setup."""
    made = cli("setup")
    assert made.returncode == 0, made.stderr
    return cli


def started(*arguments: str, flights_sources: Any, instant_home: Path, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, **flights_sources.env, "INSTANT_HOME": str(instant_home),
                   "INSTANT_CONFIG": str(flights_sources.path)}
    return subprocess.Popen([COMMAND, *arguments], env=environment, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


# ---- help and usage ----

COMMANDS = ["setup", "tables", "describe", "load", "query", "explain", "relation", "health", "config", "hub", "version", "help"]


def test_help_lists_every_command(cli: Cli) -> None:
    overview = cli("--help")
    assert overview.returncode == 0
    assert re.findall(r"^  (\w+) +\w", overview.stdout, re.MULTILINE)[:len(COMMANDS)] == COMMANDS
    assert cli("help").stdout == overview.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(cli: Cli, command: str) -> None:
    asked, helped = cli(command, "--help"), cli("help", command)
    assert asked.returncode == 0
    assert asked.stdout.startswith(f"usage: instant {command}")
    assert asked.stdout == helped.stdout
    assert asked.stderr == ""


@pytest.mark.parametrize("arguments", [
    [], ["lod"], ["load"], ["load", "a", "b"], ["load", "flights", "--fitler", "x"], ["load", "flights", "-Z"],
    ["load", "flights", "--limit", "-1"], ["load", "flights", "--limit", "ten"], ["load", "flights", "--limit"],
    ["load", "flights", "--timeout", "-2"], ["load", "flights", "--format", "xml"],
    ["load", "flights", "--filter", "a b c"], ["load", "flights", "--sql=1"], ["query"],
    ["query", "SELECT 1", "--file", "x.sql"], ["tables", "--format", "arrow"], ["config", "nothing"],
    ["hub", "nothing"], ["hub", "destroy"], ["--hub"], ["load", "flights", "--numeric", "roman"]])
def test_mistakes_on_the_command_line(cli: Cli, arguments: list[str]) -> None:
    wrong = cli(*arguments)
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr != ""


def test_an_unknown_command_names_the_nearest(cli: Cli) -> None:
    assert 'did you mean "tables"?' in cli("tabels").stderr
    assert "did you mean" not in cli("xyz").stderr


def test_version(cli: Cli) -> None:
    assert re.fullmatch(r"instant \d+\.\d+\.\d+\n", cli("version").stdout)
    assert cli("--version").stdout == cli("version").stdout


# ---- setup, tables, health ----

def test_setup_without_a_configuration(cli: Cli, tmp_path: Path) -> None:
    for arguments in (["setup"], ["setup", "--plan"]):
        done = cli(*arguments, env={"INSTANT_CONFIG": None}, cwd=tmp_path)
        assert done.returncode == 3 and done.stdout == ""
        assert "there is no configuration" in done.stderr and "--config" in done.stderr


def test_setup_twice_changes_nothing(ready: Cli) -> None:
    again = ready("setup")
    assert again.returncode == 0, again.stderr
    assert "nothing to change" in again.stdout
    plan = ready("setup", "--plan")
    assert plan.returncode == 0
    assert "nothing to change" in plan.stdout


def test_plan_of_a_new_hub_masks_secrets(ready: Cli, flights_sources: Any) -> None:
    plan = ready("setup", "--plan", "--force-refresh")
    assert plan.returncode == 0, plan.stderr
    assert "CREATE SERVER" in plan.stdout
    assert "CREATE USER MAPPING" in plan.stdout
    for name, value in flights_sources.env.items():
        if "PASSWORD" in name:
            assert value not in plan.stdout + plan.stderr


def test_setup_as_rows(ready: Cli) -> None:
    rows = json.loads(ready("setup", "--format", "json").stdout)
    assert {row["action"] for row in rows} == {"keep"}
    assert {"server", "table"} <= {row["kind"] for row in rows}


def test_tables(ready: Cli) -> None:
    rows = {row["table"]: row for row in json.loads(ready("tables", "--format", "json").stdout)}
    assert {"flights", "weather", "airlines", "planes"} <= set(rows)
    assert rows["flights"]["wrapper"] == "postgres_fdw"
    assert rows["airlines"]["wrapper"] in ("instant_mysql", "mysql_fdw")  # as the hub has it
    assert rows["flights"]["columns"] == 19
    lines = ready("tables").stdout.splitlines()
    assert [name.strip() for name in lines[0].split("|")][:3] == ["table", "source", "wrapper"]
    assert set(lines[1]) == {"-", "+"}
    assert ready("tables", "--format", "ndjson").stdout.count("\n") == len(rows)


def test_describe(ready: Cli) -> None:
    columns = json.loads(ready("describe", "flights", "--format", "json").stdout)
    assert len(columns) == 19
    assert columns[0]["column"] == "year"
    assert columns[0]["type"] in ("smallint", "integer", "bigint")
    missing = ready("describe", "flihgts")
    assert missing.returncode == 4
    assert 'flights' in missing.stderr


def test_health(ready: Cli) -> None:
    healthy = ready("health", "--format", "json")
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    rows = json.loads(healthy.stdout)
    assert len(rows) == 4
    assert all(row["healthy"] is True for row in rows)


def test_health_of_a_source_that_is_down(ready: Cli) -> None:
    sick = ready("health", "--format", "json", env={"FLIGHTS_PG_PASSWORD": "not this one"})
    assert sick.returncode == 1
    assert [row["healthy"] for row in json.loads(sick.stdout)].count(False) == 1
    assert "not this one" not in sick.stdout + sick.stderr


# ---- load ----

def test_load_formats_agree(ready: Cli, tmp_path: Path) -> None:
    arguments = ["load", "airlines", "--order-by", "carrier"]
    from_json = json.loads(ready(*arguments, "--format", "json").stdout)
    assert len(from_json) == 16
    assert [json.loads(line) for line in ready(*arguments, "--format", "ndjson").stdout.splitlines()] == from_json
    assert list(csv.DictReader(io.StringIO(ready(*arguments, "--format", "csv").stdout))) == from_json
    file = tmp_path / "airlines.arrows"
    assert ready(*arguments, "--format", "arrow", "--output", str(file)).returncode == 0
    assert pa.ipc.open_stream(file).read_all().to_pylist() == from_json
    assert len(ready(*arguments).stdout.splitlines()) >= 16


def test_load_filters_columns_order_and_limits(ready: Cli) -> None:
    loaded = ready("load", "flights", "--filter", "origin in (JFK, LGA)", "--filter", "dep_delay > 60",
                   "--filter", "month = 1", "--columns", "origin,dep_delay", "--order-by=-dep_delay,origin",
                   "--limit", "5", "--offset", "1", "--format", "json")
    assert loaded.returncode == 0, loaded.stderr
    rows = json.loads(loaded.stdout)
    assert len(rows) == 5
    assert list(rows[0]) == ["origin", "dep_delay"]
    assert all(row["origin"] in ("JFK", "LGA") and row["dep_delay"] > 60 for row in rows)
    assert rows == sorted(rows, key=lambda row: (-row["dep_delay"], row["origin"]))


def test_load_prints_its_sql(ready: Cli) -> None:
    printed = ready("load", "flights", "--filter", "month = 1", "--columns", "origin", "--sql")
    assert printed.returncode == 0, printed.stderr
    assert re.fullmatch(r'SELECT "origin" FROM .*"flights" WHERE "month" = \'1\'::\w+;\n', printed.stdout)


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (["load", "fligths"], 4, "flights"),
    (["load", "flights", "--columns", "orgin"], 4, "origin"),
    (["load", "flights", "--order-by=-orgin"], 4, "origin"),
    (["load", "flights", "--filter", "orgin = JFK"], 4, "origin"),
    (["load", "flights", "--filter", "origin = 5"], 2, "origin"),
    (["load", "flights", "--filter", "month like '1%'"], 2, "month"),
    (["load", "flights", "--columns", "origin,origin"], 2, "twice"),
    (["query", "SELECT * FROM nowhere"], 1, "nowhere"),
    (["query", "SELECT 1/0"], 1, "division by zero"),
    (["query", "SELECT $1"], 2, "parameter"),
    (["query", "SELECT $1", "-p", "a", "-p", "b"], 2, "$2"),
    (["query", "--file", "/nonexistent.sql"], 8, "/nonexistent.sql"),
    (["query", "SELECT pg_sleep(30)", "--timeout", "0.2"], 7, ""),
    (["load", "airlines", "--format", "csv", "--output", "/nonexistent/file"], 8, "/nonexistent/file"),
])
def test_failures_have_their_exit_code(ready: Cli, arguments: list[str], code: int, said: str) -> None:
    failed = ready(*arguments)
    assert failed.returncode == code, failed.stderr
    assert failed.stdout == ""
    assert failed.stderr.startswith("instant: ")
    assert said in failed.stderr


def test_verbose_adds_the_sqlstate(ready: Cli) -> None:
    assert "SQLSTATE: 22012" in ready("-v", "query", "SELECT 1/0").stderr
    assert "SQLSTATE" not in ready("query", "SELECT 1/0").stderr


# ---- query and explain ----

def test_query_joins_both_sources(ready: Cli) -> None:
    rows = json.loads(ready(
        "query", "SELECT a.name, count(*) AS flights FROM flights f JOIN airlines a USING (carrier) "
        "WHERE f.month = $1 GROUP BY 1 ORDER BY 2 DESC LIMIT 1", "-p", "1", "--format", "json").stdout)
    assert rows == [{"name": "United Air Lines Inc.", "flights": 4637}]


def test_query_takes_sql_from_everywhere(ready: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a b.sql"
    file.write_text("SELECT 1 AS x\n")
    assert ready("query", "SELECT 1 AS x", "--format", "csv").stdout == "x\n1\n"
    assert ready("query", "-f", str(file), "--format", "csv").stdout == "x\n1\n"
    assert ready("query", "-", "--format", "csv", input="SELECT 1 AS x").stdout == "x\n1\n"


@pytest.mark.parametrize(("sql", "values"), [
    ("SELECT $1::text AS v, $2::int AS n", ["it's", "5"]),
    ("SELECT %s::text AS v, %s::int AS n", ["it's", "5"]),
    ("SELECT :v::text AS v, :n::int AS n", ["v=it's", "n=5"]),
    ("SELECT %(v)s::text AS v, %(n)s::int AS n", ["n=5", "v=it's"]),
])
def test_parameters(ready: Cli, sql: str, values: list[str]) -> None:
    options = [part for value in values for part in ("--param", value)]
    answered = ready("query", sql, *options, "--format", "json")
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout) == [{"v": "it's", "n": 5}]


def test_a_value_may_hold_an_equals_sign(ready: Cli) -> None:
    assert ready("query", "SELECT $1::text AS x", "-p", "a=b", "--format", "csv").stdout == "x\na=b\n"


def test_numeric_keeps_its_digits_in_text(ready: Cli) -> None:
    sql = "SELECT 123456789012345678901234567890.123456789 AS x"
    assert "123456789012345678901234567890.123456789" in ready("query", sql, "--format", "csv").stdout
    assert json.loads(ready("query", sql, "--format", "json", "--numeric", "string").stdout) == [
        {"x": "123456789012345678901234567890.123456789"}]


def test_explain_names_the_remote_statements(ready: Cli) -> None:
    sql = "SELECT f.flight, a.name FROM flights f JOIN airlines a USING (carrier) WHERE f.month = 1"
    explained = ready("explain", sql)
    assert explained.returncode == 0, explained.stderr
    assert "Foreign Scan" in explained.stdout
    rows = json.loads(ready("explain", sql, "--format", "json").stdout)
    remote = [row for row in rows if row["kind"] == "remote"]
    assert len(remote) == 2
    assert any("month = 1" in (row["remote_sql"] or "") for row in remote)
    assert "actual time" in ready("explain", "--analyze", "SELECT 1").stdout


# ---- files, pipes and signals ----

def test_a_failed_write_leaves_the_old_file(ready: Cli, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("old")
    file.chmod(0o640)
    assert ready("query", "SELECT 1/(g - 90000) FROM generate_series(1, 100000) g", "--format", "csv",
                 "-o", str(file)).returncode == 1
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
    assert ready("query", "SELECT 1 AS x", "--format", "csv", "-o", str(file)).returncode == 0
    assert file.read_bytes() == b"x\n1\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_output_to_a_device(ready: Cli) -> None:
    assert ready("query", "SELECT 1", "-o", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()
    full = ready("query", "SELECT g FROM generate_series(1, 100000) g", "--format", "csv", "-o", "/dev/full")
    assert full.returncode == 8


def test_no_colour_and_no_progress_in_a_pipe(ready: Cli) -> None:
    loaded = ready("load", "airlines")
    assert "\x1b" not in loaded.stdout
    assert loaded.stderr == ""


def test_arrow_is_not_written_to_a_terminal(ready: Cli, flights_sources: Any, instant_home: Path) -> None:
    leader, follower = pty.openpty()
    try:
        done = subprocess.run([COMMAND, "query", "SELECT 1", "--format", "arrow"], stdin=subprocess.DEVNULL,
                              stdout=follower, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 8
    assert "terminal" in done.stderr


def test_a_reader_that_goes_away_is_no_error(ready: Cli, flights_sources: Any, instant_home: Path) -> None:
    process = started("load", "flights", "--format", "csv", flights_sources=flights_sources,
                      instant_home=instant_home)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith("year,")
    process.stdout.close()
    assert process.wait(timeout=30) == -signal.SIGPIPE
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_cancel_the_query(ready: Cli, flights_sources: Any, instant_home: Path, number: int,
                                  tmp_path: Path) -> None:
    marker = f"cancelled by {int(number)}"
    file = tmp_path / "never.csv"
    process = started("query", f"SELECT pg_sleep(60) /* {marker} */", "-o", str(file),
                      flights_sources=flights_sources, instant_home=instant_home)
    running = "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()" \
              " AND state = 'active'"

    def active() -> int:
        answer = ready("query", running, "-p", f"%{marker}%", "--format", "json")
        return int(json.loads(answer.stdout)[0]["n"])

    deadline = time.monotonic() + 20
    while active() == 0:
        assert time.monotonic() < deadline, "the query never started"
    process.send_signal(number)
    assert process.wait(timeout=10) == 130
    assert process.communicate() == ("", "")
    while active() != 0:
        assert time.monotonic() < deadline, "the query still runs in the hub"
    assert list(tmp_path.iterdir()) == []


# ---- configuration and hub ----

def test_config_check(cli: Cli, flights_sources: Any, tmp_path: Path) -> None:
    good = cli("config", "check", str(flights_sources.path))
    assert (good.returncode, good.stderr) == (0, "")
    broken = tmp_path / "broken.yaml"
    broken.write_text("sources:\n  shop:\n    extension: postgres_fdw\n    server: {options: {port: many, hots: db}}\n")
    wrong = cli("config", "check", str(broken))
    assert wrong.returncode == 3
    assert wrong.stdout == ""
    assert len(re.findall(rf"^{re.escape(str(broken))}:\d+:\d+:", wrong.stderr, re.MULTILINE)) >= 2
    assert 'did you mean "host"?' in wrong.stderr
    assert cli("config", "check", str(tmp_path / "missing.yaml")).returncode == 8
    assert cli("-c", str(broken), "tables").returncode == 3


def test_config_names_a_missing_variable(cli: Cli, flights_sources: Any) -> None:
    missing = cli("config", "check", str(flights_sources.path), env={"FLIGHTS_PG_PASSWORD": None})
    assert missing.returncode == 3
    assert "FLIGHTS_PG_PASSWORD" in missing.stderr


def test_config_schema_is_json(cli: Cli) -> None:
    schema = json.loads(cli("config", "schema").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_hub_status_and_psql(ready: Cli) -> None:
    status = ready("hub", "status")
    assert status.returncode == 0
    assert re.search(r"^state +running$", status.stdout, re.MULTILINE)
    uri = ready("hub", "status", "--uri").stdout.strip()
    assert uri.startswith("postgresql://")
    assert ready("hub", "psql", "-X", "-A", "-t", "-c", "SELECT 6 * 7").stdout == "42\n"
    assert ready("hub", "psql", "-X", "-c", "SELECT wrong").returncode == 1


def test_a_hub_from_nothing_to_nothing(cli: Cli, scratch: Any) -> None:
    home = scratch.path / "a home"
    arguments = ("--home", str(home), "hub")
    variables: dict[str, str | None] = {"INSTANT_CONFIG": None}
    assert "not made yet" in cli(*arguments, "status", env=variables).stdout
    start = cli(*arguments, "start", env=variables, timeout=120)
    assert start.returncode == 0, start.stderr
    assert "running" in start.stdout
    assert cli(*arguments, "stop", env=variables).returncode == 0
    assert re.search(r"^state +not running$", cli(*arguments, "status", env=variables).stdout, re.MULTILINE)
    assert cli(*arguments, "destroy", "--yes", env=variables).returncode == 0
    assert "not made yet" in cli(*arguments, "status", env=variables).stdout


def test_a_hub_that_cannot_be_reached(cli: Cli) -> None:
    gone = cli("--hub", "postgresql://localhost:1/nowhere", "query", "SELECT 1")
    assert gone.returncode == 5
    assert gone.stderr.startswith("instant: ")
