SELECT count(*) FROM instant.arrow_with('{}', 'SELECT 1');
SELECT count(*) FROM instant.arrow_with(NULL, 'SELECT 1');
SELECT count(*) FROM instant.arrow_with('{"batch_rows": 100}', 'SELECT generate_series(1, 1000)');
SELECT count(*) FROM instant.arrow_with('{"batch_rows": 100}', 'SELECT generate_series(1, $1)', 1001);
SELECT count(*) FROM instant.arrow_with('{"first_batch_rows": 1, "batch_rows": 4}', 'SELECT generate_series(1, 15)');
SELECT count(*) FROM instant.arrow_with('{"first_batch_rows": 100, "batch_rows": 5}', 'SELECT generate_series(1, 15)');
-- A value beyond the limit has a batch of its own.
SELECT count(*) FROM instant.arrow_with('{"batch_bytes": 1000}', 'SELECT repeat(''x'', 5000) FROM generate_series(1, 4)');
SELECT count(*) FROM instant.arrow_with(
    '{"numeric": "float64", "text": "utf8", "dictionary": "auto", "compression": "lz4", "unrepresentable": "error"}',
    'SELECT 1.5, ''a'' FROM generate_series(1, 1000)');
SELECT (SELECT sum(length(a)) FROM instant.arrow_with('{"compression": "zstd"}', q) a)
     < (SELECT sum(length(a)) FROM instant.arrow_with('{"compression": "lz4"}', q) a) AND
       (SELECT sum(length(a)) FROM instant.arrow_with('{"compression": "lz4"}', q) a)
     < (SELECT sum(length(a)) FROM instant.arrow_with('{"compression": "none"}', q) a) AS smaller
  FROM (VALUES ('SELECT repeat(''Instant'', 100) || i FROM generate_series(1, 1000) i')) v (q);

-- What is wrong is named.
SELECT instant.arrow_with('[]', 'SELECT 1');
SELECT instant.arrow_with('"numeric"', 'SELECT 1');
SELECT instant.arrow_with('{"numerik": "float64"}', 'SELECT 1');
SELECT instant.arrow_with('{"numeric": "float32"}', 'SELECT 1');
SELECT instant.arrow_with('{"numeric": null}', 'SELECT 1');
SELECT instant.arrow_with('{"numeric": ["float64"]}', 'SELECT 1');
SELECT instant.arrow_with('{"text": 8}', 'SELECT 1');
SELECT instant.arrow_with('{"batch_rows": 0}', 'SELECT 1');
SELECT instant.arrow_with('{"batch_rows": "10"}', 'SELECT 1');
SELECT instant.arrow_with('{"batch_rows": 1.5}', 'SELECT 1');
SELECT instant.arrow_with('{"batch_bytes": 1e30}', 'SELECT 1');
SELECT instant.arrow_with('{"unrepresentable": "error"}', 'SELECT ''infinity''::date');
SELECT instant.arrow_with('{}', NULL);
