"""The extension as something that is installed, updated, dumped, restored and linked."""
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from extension_build import ROOT, Database, ExtensionBuild, build_folder, pg_config, table
from scratch_servers import PostgresServer, Scratch, server_tree

FIRST = "0.1.0"
VERSION = "0.3.0"
NEXT = "0.3.0.test"
# What a backend may load because of us, beside what every program loads.
LIBRARIES = {"linux-vdso", "libc", "liblz4", "libzstd", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(file: Path) -> set[str]:
    return {line.split()[-1].split("@")[0] for line in output("nm", "-D", "--defined-only", file).splitlines()}


def test_version_is_said_once(extension: ExtensionBuild) -> None:
    control = (extension.files / "instant_fdw.control").read_text()
    assert f"default_version = '{VERSION}'" in control
    assert f"project(instant VERSION {VERSION} " in (ROOT / "CMakeLists.txt").read_text()


def test_libraries(extension: ExtensionBuild) -> None:
    linked = {Path(line.split()[0]).name.split(".")[0] for line in output("ldd", extension.files / "instant_fdw.so").splitlines()}
    assert linked <= LIBRARIES


def test_symbols(extension: ExtensionBuild) -> None:
    """Nothing of ours hides a name of the server, and only what SQL calls can be seen."""
    ours = symbols(extension.files / "instant_fdw.so")
    assert not (ours - {"_PG_init", "Pg_magic_func"}) & symbols(extension.bin / "postgres")
    assert all(re.fullmatch(r"_PG_init|Pg_magic_func|(pg_finfo_)?instant_\w+", name) for name in ours)


def test_update(scratch: Scratch, extension: ExtensionBuild, tmp_path: Path) -> None:
    """A later version is a script of its own; this one lives only here."""
    files = tmp_path / "files"
    shutil.copytree(extension.files, files)
    (files / f"instant_fdw--{VERSION}--{NEXT}.sql").write_text(
        "CREATE FUNCTION instant.answer() RETURNS int LANGUAGE sql AS 'SELECT 42';\n"
        "CREATE OR REPLACE VIEW instant.stats AS SELECT *, instant.answer() AS answer FROM instant.stat_counters();\n")
    server = PostgresServer(scratch, {}, server_tree(scratch, files, extension.pg_config))
    server.sql("CREATE EXTENSION instant_fdw; CREATE VIEW mine AS SELECT queries FROM instant.stats;")
    server.sql(f"ALTER EXTENSION instant_fdw UPDATE TO '{NEXT}'")
    assert server.sql("SELECT extversion FROM pg_extension WHERE extname = 'instant_fdw'") == NEXT
    assert server.sql("SELECT instant.answer(), count(*) FROM instant.arrow('SELECT 1')") == "42|3"
    assert server.sql("SELECT answer FROM instant.stats") == "42"
    assert server.sql(f"SELECT count(*) FROM pg_extension_update_paths('instant_fdw') WHERE source = '{VERSION}' "
                      f"AND target = '{NEXT}' AND path IS NOT NULL") == "1"
    server.sql("DROP EXTENSION instant_fdw CASCADE")
    assert server.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'instant'::regnamespace") == "0"
    server.sql(f"CREATE EXTENSION instant_fdw VERSION '{NEXT}'")
    assert server.sql("SELECT answer FROM instant.stats") == "42"
    server.stop()


def test_dump_and_restore(database: Database, extension: ExtensionBuild) -> None:
    """What setup keeps in the schema `instant` is dumped; what is the extension's is created again."""
    server = database.server
    server.sql("CREATE TABLE instant.objects (kind text); INSERT INTO instant.objects VALUES ('view');"
               "CREATE VIEW public.wrapped AS SELECT instant.arrow('SELECT 1 AS i') AS part;"
               "CREATE ROLE reader LOGIN;", database.name)
    where = ("--host", str(server.directory), "--port", str(server.port), "--username", server.username)
    dump = server._run(str(extension.bin / "pg_dump"), *where, "--dbname", database.name)
    assert "CREATE EXTENSION IF NOT EXISTS instant_fdw WITH SCHEMA instant" in dump
    assert "CREATE FUNCTION" not in dump
    server.sql("CREATE DATABASE restored")
    # Older psql does not know the \restrict of newer dumps, and the other way round: both are of this tree.
    server._run(str(extension.bin / "psql"), *where, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1",
                "--dbname", "restored", text=dump)
    assert server.sql("SELECT kind FROM instant.objects", "restored") == "view"
    assert server.sql("SELECT count(*) FROM public.wrapped", "restored") == "3"
    assert server.sql("SET ROLE reader; SELECT count(*) FROM instant.arrow('SELECT 1');", "restored") == "3"
    server.sql("DROP DATABASE restored")
    server.sql("DROP VIEW public.wrapped; DROP TABLE instant.objects; DROP ROLE reader;", database.name)


def test_dropped_while_in_use(database: Database) -> None:
    """A session whose extension is dropped and made again goes on."""
    with database.connect() as connection:
        assert table(connection, "SELECT instant.arrow('SELECT 1 AS i')").num_rows == 1
        database.server.sql("DROP EXTENSION instant_fdw", database.name)
        with pytest.raises(psycopg.errors.UndefinedFunction):
            connection.execute("SELECT instant.arrow('SELECT 1')")
        database.server.sql("CREATE EXTENSION instant_fdw", database.name)
        assert table(connection, "SELECT instant.arrow('SELECT 1 AS i')").num_rows == 1


def test_preloaded(scratch: Scratch, extension: ExtensionBuild) -> None:
    """In shared_preload_libraries it counts for the whole cluster, and a crash of a session ends nothing."""
    server = PostgresServer(scratch, {"shared_preload_libraries": "instant_fdw"}, extension.bin)
    server.sql("CREATE EXTENSION instant_fdw")
    server.sql("SELECT count(*) FROM instant.arrow('SELECT generate_series(1, 100000)')")
    server.sql("SELECT count(*) FROM instant.arrow('SELECT 1')")
    assert server.sql("SELECT scope, queries, completed, rows, batches FROM instant.stats ORDER BY scope") == (
        "cluster|2|2|100001|3\nsession|0|0|0|0")
    assert server.sql("SELECT since = backend_start FROM instant.stats, pg_stat_activity "
                      "WHERE scope = 'session' AND pid = pg_backend_pid()") == "t"
    assert server.sql("SET instant.plan_cache_size = 0; SHOW instant.plan_cache_size;") == "0"
    server.stop()


ENCODINGS = [("LATIN1", "\u00e9"), ("EUC_JP", "\u65e5\u672c"), ("SQL_ASCII", "\u00e9")]


@pytest.mark.parametrize(("encoding", "text"), ENCODINGS, ids=lambda value: value if value.isascii() else "")
def test_databases_that_are_not_utf8(server: PostgresServer, encoding: str, text: str) -> None:
    """Arrow has UTF-8 everywhere: values, labels, names of columns and types; so have errors."""
    name = f"encoded_{encoding.lower()}"
    server.sql(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    with Database(server, name).connect(options="-c client_encoding=UTF8") as connection:
        connection.execute("CREATE EXTENSION instant_fdw")
        connection.execute(f"""CREATE TYPE public."{text}" AS ENUM ('{text}')""")
        query = (f"""SELECT '{text}' AS "{text}", '{text}'::public."{text}" AS e, '["{text}"]'::jsonb AS j, """
                 f"""'{text}'::name AS n, array['{text}'] AS a, row('{text}') AS r""")
        read = table(connection, "SELECT instant.arrow(%s)", [query])
        assert read.to_pylist() == [{text: text, "e": text, "j": f'["{text}"]', "n": text, "a": [text], "r": f"({text})"}]
        assert text in read.schema.field("e").metadata[b"postgresql:type"].decode()
        with pytest.raises(psycopg.errors.FeatureNotSupported, match=f'column "{text}" of type text'):
            connection.execute("SELECT instant.arrow(%s)", [f"""SELECT array[['x']] AS "{text}" """])
    server.sql(f"DROP DATABASE {name}")


def test_pgxs(tmp_path: Path) -> None:
    """What a packager does: src/fdw/Makefile, from a copy of the sources.

    With Debian's server, which was built by this machine's compiler; PGXS hands its flags on.
    """
    for folder in ("src", "include", "cmake"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.o", "*.so"))
    make = ("make", "--no-print-directory", "-C", str(tmp_path / "src" / "fdw"), f"PG_CONFIG={pg_config(15)}")
    built = subprocess.run([*make, "-j2", "all"], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    output(*make, "install", f"DESTDIR={tmp_path / 'installed'}")
    installed = {path.name for path in (tmp_path / "installed").rglob("*") if path.is_file()}
    scripts = {path.name for path in (ROOT / "src" / "fdw" / "sql").glob("instant_fdw--*.sql")}
    assert f"instant_fdw--{FIRST}.sql" in scripts and installed == {"instant_fdw.so", "instant_fdw.control", *scripts}
    assert symbols(tmp_path / "src" / "fdw" / "instant_fdw.so") == symbols(build_folder() / "fdw/pg15/instant_fdw.so")
