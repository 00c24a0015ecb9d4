-- Does the query find the value that it was given?
CREATE FUNCTION one(query text, VARIADIC params text[]) RETURNS bool LANGUAGE sql AS $$
    SELECT count(*) = 3 FROM instant.arrow(query, VARIADIC params)
$$;

-- Typed by the query: text is read as a quoted literal would be.
SELECT one('SELECT 1 WHERE $1 = 42', '42');
SELECT one('SELECT 1 WHERE $1 = date ''2024-02-29''', '2024-02-29');
SELECT one('SELECT 1 WHERE $1 = ANY ($2::int[])', '2', '{1,2,3}');
SELECT one('SELECT 1 WHERE $1::numeric = 1.50 AND $2::bool AND $3::text IS NULL', '1.5', 'yes', NULL);
SELECT one('SELECT 1 WHERE $1 = 42', '41');
SELECT one('SELECT 1 WHERE $1 = 42', '4 2');
SELECT one('SELECT 1 WHERE $1 = ''x; DROP TABLE y''', 'x; DROP TABLE y');

-- Others keep their own type.
SELECT count(*) FROM instant.arrow('SELECT 1 WHERE $1 = 42', 42::bigint);
SELECT count(*) FROM instant.arrow('SELECT 1 WHERE $1 < $2', timestamp '2024-01-01', now());
SELECT count(*) FROM instant.arrow('SELECT 1 WHERE $1 = ARRAY[1, 2]', ARRAY[1, 2]);
SELECT count(*) FROM instant.arrow('SELECT 1 WHERE $1 = ''a''', 'a'::name);
SELECT count(*) FROM pg_namespace n, LATERAL instant.arrow('SELECT 1 WHERE ($1).nspname = ''pg_catalog''', n)
 WHERE nspname = 'pg_catalog';
SELECT count(*) FROM instant.arrow('SELECT 1 WHERE $1 IS NULL', NULL);
SELECT count(*) FROM instant.arrow('SELECT 1 WHERE $1 IS NULL', NULL::int);
SELECT count(*) FROM instant.arrow('SELECT $1, $1', repeat('x', 1000000));
SELECT count(*) FROM instant.arrow('SELECT * FROM generate_series(1, 10) i LIMIT $1', '0');

-- A domain checks what it is given, also NULL.
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0) NOT NULL;
SELECT one('SELECT 1 WHERE $1::even = 4', '4');
SELECT one('SELECT $1::even', '3');
SELECT one('SELECT $1::even', NULL);
DROP DOMAIN even;

-- As many as the query has, and each of a type that can be known.
SELECT instant.arrow('SELECT $1, $2', 1);
SELECT instant.arrow('SELECT $1', 1, 2);
SELECT instant.arrow('SELECT 1', 1);
SELECT instant.arrow('SELECT $1');
SELECT instant.arrow('SELECT $2::int', '1', '2');
SELECT instant.arrow('SELECT $1', VARIADIC NULL::text[]);
SELECT count(*) FROM instant.arrow('SELECT 1', VARIADIC '{}'::text[]);
SELECT instant.arrow('SELECT $1 + $2', 'a', 'b');
DROP FUNCTION one;
