-- A stream: the schema, batches, eight bytes of end.
CREATE FUNCTION parts(OUT messages bigint, OUT begin_right bool, OUT ends_right bool, VARIADIC rows bytea[])
LANGUAGE sql AS $$
    SELECT count(*), bool_and(substring(r FROM 1 FOR 4) = '\xffffffff'),
           (array_agg(r ORDER BY n))[count(*)] = '\xffffffff00000000'
      FROM unnest(rows) WITH ORDINALITY AS u (r, n)
$$;
CREATE FUNCTION shape(query text) RETURNS TABLE (messages bigint, begin_right bool, ends_right bool)
LANGUAGE sql AS $$ SELECT (parts(VARIADIC ARRAY(SELECT instant.arrow(query)))).* $$;

SELECT * FROM shape('SELECT 1');
SELECT * FROM shape('SELECT 1 WHERE false');
SELECT * FROM shape('SELECT');
SELECT * FROM shape('VALUES (1), (2)');
SELECT * FROM shape('TABLE pg_catalog.pg_namespace');
SELECT * FROM shape('WITH a AS (SELECT 1) SELECT * FROM a;');
SELECT * FROM shape('-- a comment
  SELECT generate_series(1, 200000)');
SELECT count(*) FROM instant.arrow('SELECT generate_series(1, 200000)');
SELECT count(*) FROM (SELECT instant.arrow('SELECT generate_series(1, 200000)') OFFSET 0) s;

-- What is no query that reads.
SELECT instant.arrow(NULL);
SELECT instant.arrow('');
SELECT instant.arrow('  -- nothing');
SELECT instant.arrow('SELECT 1; SELECT 2');
SELECT instant.arrow('CREATE TABLE t ()');
SELECT instant.arrow('INSERT INTO t VALUES (1) RETURNING 1');
SELECT instant.arrow('SELECT 1 INTO t');
SELECT instant.arrow('WITH a AS (DELETE FROM pg_class RETURNING 1) SELECT 1');
SELECT instant.arrow('EXPLAIN SELECT 1');
SELECT instant.arrow('SHOW work_mem');
SELECT instant.arrow('BEGIN');
SELECT instant.arrow('SELECT 1 +');
SELECT instant.arrow('SELECT no_column FROM pg_class');
SELECT instant.arrow('SELECT 1 / 0');

-- Only where a set may be.
SELECT CASE WHEN true THEN instant.arrow('SELECT 1') END;
SELECT 1 WHERE instant.arrow('SELECT 1') IS NULL;

-- Left before its end, by LIMIT, a closed cursor or an error that is caught.
SELECT count(*) FROM (SELECT instant.arrow('SELECT generate_series(1, 1000000)') LIMIT 2) s;
BEGIN;
DECLARE c CURSOR FOR SELECT length(instant.arrow('SELECT generate_series(1, 1000000)')) > 0 AS some;
FETCH 2 FROM c;
CLOSE c;
DECLARE c CURSOR WITH HOLD FOR SELECT length(instant.arrow('SELECT generate_series(1, 200000)')) > 0 AS some;
FETCH 2 FROM c;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
DO $$
DECLARE
    part bytea;
    parts int := 0;
BEGIN
    FOR part IN SELECT instant.arrow('SELECT 1 / (200000 - i) FROM generate_series(1, 300000) i') LOOP
        parts := parts + 1;
    END LOOP;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'caught after % parts', parts;
END
$$;
DO $$
DECLARE
    part bytea;
    parts int := 0;
BEGIN
    FOR i IN 1 .. 3 LOOP
        FOR part IN SELECT instant.arrow('SELECT generate_series(1, 200000)') LOOP
            parts := parts + 1;
            EXIT WHEN i = 2;
        END LOOP;
    END LOOP;
    RAISE NOTICE '% parts', parts;
END
$$;

-- Twice in one list, in each other, and once a row of something else.
SELECT count(*), count(a), count(b) FROM (
    SELECT instant.arrow('SELECT 1') AS a, instant.arrow('SELECT generate_series(1, 200000)') AS b) s;
SELECT count(*) FROM instant.arrow('SELECT instant.arrow(''SELECT instant.arrow(''''SELECT 1'''')'')');
SELECT count(*) FROM generate_series(1, 5) i, LATERAL instant.arrow('SELECT $1::int', i) a;
SELECT i, count(*) FROM (SELECT i, instant.arrow('SELECT generate_series(1, $1)', i * 100000) FROM generate_series(1, 2) i) s
 GROUP BY i ORDER BY i;

-- Functions that write are run as in any other SELECT; rows can be locked.
CREATE TABLE noted (i int);
CREATE FUNCTION note(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO noted VALUES (i); RETURN i; END $$;
SELECT count(*) FROM instant.arrow('SELECT note(i) FROM generate_series(1, 10) i');
SELECT count(*), sum(i) FROM noted;
SELECT count(*) FROM instant.arrow('SELECT * FROM noted FOR UPDATE');
BEGIN READ ONLY;
SELECT count(*) FROM instant.arrow('SELECT note(1)');
ROLLBACK;
BEGIN;
INSERT INTO noted VALUES (11);
SELECT * FROM shape('SELECT * FROM noted WHERE i = 11');
ROLLBACK;
COPY (SELECT length(instant.arrow('SELECT 1 WHERE false')) > 7) TO STDOUT;
CREATE TABLE kept AS SELECT instant.arrow('SELECT generate_series(1, 10)') AS part;
SELECT count(*) FROM kept;

-- Junk that a plan sorts by is no column: the schema of both is the same.
SELECT (SELECT p FROM instant.arrow('SELECT i FROM noted ORDER BY i') WITH ORDINALITY a (p, n) WHERE n = 1)
     = (SELECT p FROM instant.arrow('SELECT i FROM noted ORDER BY i % 3, -i') WITH ORDINALITY a (p, n) WHERE n = 1) AS same;
DROP TABLE noted, kept;
DROP FUNCTION note;
