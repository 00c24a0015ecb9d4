-- A plan is used again only while the same text means the same.
CREATE FUNCTION has_row(query text, VARIADIC params text[] DEFAULT '{}') RETURNS bool LANGUAGE sql AS $$
    SELECT count(*) = 3 FROM instant.arrow(query, VARIADIC params)
$$;
CREATE FUNCTION reused() RETURNS bigint LANGUAGE sql AS $$
    SELECT plans_reused FROM instant.stats WHERE scope = 'session'
$$;
SELECT reused() AS before \gset
SELECT has_row('SELECT 1 WHERE $1 = 1', i::text) FROM generate_series(1, 10) i;
SELECT reused() - :before AS reused;

-- Prepared by the caller too, beyond the five custom plans.
PREPARE p (int) AS SELECT count(*) FROM instant.arrow('SELECT 1 WHERE $1 = 7', $1);
EXECUTE p (6);
EXECUTE p (7);
EXECUTE p (6);
EXECUTE p (6);
EXECUTE p (6);
EXECUTE p (6);
EXECUTE p (7);
EXECUTE p (6);
DEALLOCATE p;

-- After DDL: another type of a column, of a parameter too; another column; another table.
CREATE TABLE t (a int, b int);
INSERT INTO t VALUES (1, 2);
SELECT has_row('SELECT * FROM t WHERE a = $1', '1');
SELECT has_row('SELECT * FROM t WHERE a = $1', 'one');
ALTER TABLE t ALTER a TYPE text USING 'one', DROP b;
SELECT has_row('SELECT * FROM t WHERE a = $1', 'one');
DROP TABLE t;
SELECT has_row('SELECT * FROM t WHERE a = $1', 'one');
CREATE TABLE t (a date);
SELECT has_row('SELECT * FROM t WHERE a = $1', '2024-01-01');
DROP TABLE t;

-- Under another search path, and when a new table hides the one that was meant.
CREATE SCHEMA s1;
CREATE SCHEMA s2;
CREATE TABLE s2.t AS SELECT 'x' AS a;
SET search_path = s1, s2, public;
SELECT has_row('SELECT 1 FROM t WHERE a = $1', 'x');
CREATE TABLE s1.t (a int);
SELECT has_row('SELECT 1 FROM t WHERE a = $1', '1');
SET search_path = s2, public;
SELECT has_row('SELECT 1 FROM t WHERE a = $1', 'x');
RESET search_path;
DROP SCHEMA s1, s2 CASCADE;

-- Literals that depend on settings, or on the moment.
SET timezone = 'UTC';
SELECT has_row('SELECT 1 WHERE timestamptz ''2024-01-01 12:00'' = ''2024-01-01 12:00+00''');
SET timezone = 'Europe/Berlin';
SELECT has_row('SELECT 1 WHERE timestamptz ''2024-01-01 12:00'' = ''2024-01-01 12:00+00''');
RESET timezone;
SET datestyle = 'ISO, DMY';
SELECT has_row('SELECT 1 WHERE date ''01/02/2024'' = date ''2024-02-01''');
SET datestyle = 'ISO, MDY';
SELECT has_row('SELECT 1 WHERE date ''01/02/2024'' = date ''2024-02-01''');
RESET datestyle;
SELECT has_row('SELECT 1 WHERE timestamptz ''now'' = now()');
SELECT has_row('SELECT 1 WHERE timestamptz ''now'' = now()');

-- More plans than there is room for, and no room at all.
SET instant.plan_cache_size = 3;
SELECT bool_and(has_row(format('SELECT 1 WHERE $1 = %s', i), i::text)) FROM generate_series(1, 20) i;
SELECT reused() AS before \gset
SELECT bool_and(has_row(format('SELECT 1 WHERE $1 = %s', i), i::text)) FROM generate_series(20, 18, -1) i;
SELECT reused() - :before AS reused;
SET instant.plan_cache_size = 0;
SELECT reused() AS before \gset
SELECT has_row('SELECT 1 WHERE $1 = 20', '20');
SELECT has_row('SELECT 1 WHERE $1 = 20', '20');
SELECT reused() - :before AS reused;
RESET instant.plan_cache_size;
SET instant.plan_cache_size = -1;

-- A plan that is in use stays usable when others push it out, or DDL makes it invalid.
SET instant.plan_cache_size = 1;
SELECT count(*) FROM instant.arrow('SELECT i, (SELECT count(*) FROM instant.arrow(''SELECT $1::int + '' || i, i))
    FROM generate_series(1, 10) i');
RESET instant.plan_cache_size;
DROP FUNCTION has_row, reused;
