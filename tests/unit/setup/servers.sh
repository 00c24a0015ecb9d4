#!/bin/bash
# servers.sh - real servers for the tests of setup: a hub, a PostgreSQL source, a MariaDB source.
#
# Prints "ready DIRECTORY HUB_PORT POSTGRES_PORT MARIADB_PORT" and serves until its input ends; then it
# stops what it started and removes the directory, however the test that started it ended.
set -u
dir=$(mktemp -d /tmp/idc-setup-XXXXXX) || exit 1
chmod 711 "$dir"
bin=$(pg_config --bindir 2>/dev/null)
[ -x "$bin/initdb" ] || bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)

as() {
    local user=$1
    shift
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
    else
        "$@"
    fi
}

own() {
    mkdir -p "$2"
    if [ "$(id -u)" = 0 ]; then chown "$1" "$2"; fi
}

finish() {
    [ -s "$dir/my/pid" ] && kill "$(cat "$dir/my/pid")"
    for data in hub src; do
        [ -s "$dir/$data/data/postmaster.pid" ] && kill -INT "$(head -1 "$dir/$data/data/postmaster.pid")"
    done
    for _ in $(seq 100); do
        [ -e "$dir/my/pid" ] || [ -e "$dir/hub/data/postmaster.pid" ] ||
            [ -e "$dir/src/data/postmaster.pid" ] || break
        sleep 0.1
    done
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

port() { echo $((20000 + (RANDOM * 32768 + RANDOM) % 12000)); }

postgres() { # NAME TCP-ADDRESSES
    local name=$1
    own postgres "$dir/$name"
    as postgres "$bin/initdb" -D "$dir/$name/data" -U postgres --auth=trust -N >/dev/null || return 1
    printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >"$dir/$name/data/pg_hba.conf"
    cat "$dir/$name.conf" >>"$dir/$name/data/postgresql.conf"
    for _ in 1 2 3 4 5; do
        number=$(port)
        as postgres "$bin/pg_ctl" -D "$dir/$name/data" -l "$dir/$name/log" -w -s \
            -o "-p $number -k $dir/$name -c listen_addresses=$2" start >/dev/null && return 0
    done
    return 1
}

mariadb_source() {
    own mysql "$dir/my"
    as mysql mariadb-install-db --no-defaults --datadir="$dir/my/data" --skip-test-db \
        --auth-root-authentication-method=normal >/dev/null 2>&1
    for _ in 1 2 3 4 5; do
        number=$(port)
        as mysql mariadbd --no-defaults --datadir="$dir/my/data" --port="$number" \
            --bind-address=127.0.0.1 --socket="$dir/my/sock" --pid-file="$dir/my/pid" \
            --skip-name-resolve --innodb-flush-method=nosync --log-error="$dir/my/log" >/dev/null 2>&1 &
        local server=$!
        for _ in $(seq 150); do
            mariadb --no-defaults -S "$dir/my/sock" -uroot -e 'SELECT 1' >/dev/null 2>&1 && return 0
            kill -0 $server 2>/dev/null || break
            sleep 0.1
        done
    done
    return 1
}

cat >"$dir/hub.conf" <<'END'
fsync = off
shared_preload_libraries = 'pg_stat_statements'
log_statement = all
log_min_duration_statement = 0
log_min_error_statement = error
max_connections = 50
END
echo 'fsync = off' >"$dir/src.conf"
postgres hub '' || exit 1
hub_port=$number
postgres src 127.0.0.1 || exit 1
src_port=$number
mariadb_source || exit 1
my_port=$number

"$bin/psql" -qX -h "$dir/src" -p "$src_port" -U postgres -v ON_ERROR_STOP=1 >/dev/null <<'END' || exit 1
CREATE ROLE app LOGIN PASSWORD 'geheim-1';
CREATE DATABASE shop OWNER app;
\c shop
SET ROLE app;
CREATE TABLE public.orders (id int PRIMARY KEY, amount numeric(10,2), day date NOT NULL DEFAULT current_date, note text);
CREATE TABLE public.customers (id bigint PRIMARY KEY, name varchar(40) NOT NULL);
CREATE SCHEMA sales;
CREATE TABLE sales.lines (a int, b varchar(10));
INSERT INTO orders VALUES (1, 2.50), (2, 3.75);
END
mariadb --no-defaults --default-character-set=utf8mb4 -S "$dir/my/sock" -uroot >/dev/null <<'END' || exit 1
CREATE DATABASE stock CHARACTER SET utf8mb4;
CREATE USER app@'127.0.0.1' IDENTIFIED BY 'geheim-2';
GRANT ALL ON stock.* TO app@'127.0.0.1';
USE stock;
CREATE TABLE items (id int PRIMARY KEY, name varchar(20) NOT NULL COMMENT 'what it is', price decimal(15,2),
    big bigint unsigned, n int unsigned, made datetime, kind enum('a','b'), data blob, ok tinyint(1)) COMMENT 'things';
INSERT INTO items VALUES (1, 'Größe 😀', 1.50, 18446744073709551615, 4294967295, '2020-01-02 03:04:05', 'b', 'xyz', 1);
END
echo "ready $dir $hub_port $src_port $my_port"
cat >/dev/null
