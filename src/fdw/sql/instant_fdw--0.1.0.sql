/* instant_fdw 0.1.0; how the next version is added: docs/reference/extension.md */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION instant_fdw" to load this file. \quit

GRANT USAGE ON SCHEMA instant TO PUBLIC;

/*
 * Not STRICT: no rows for a NULL query would be a silent nothing. PARALLEL UNSAFE: the query inside
 * starts its own parallel workers. SECURITY INVOKER: it runs with the rights of the caller.
 */
CREATE FUNCTION instant.arrow(query text)
RETURNS SETOF bytea
AS 'MODULE_PATHNAME', 'instant_arrow'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION instant.arrow(text) IS
    'the result of a query as an Arrow IPC stream: schema, a record batch a row, end of stream';

CREATE FUNCTION instant.arrow(query text, VARIADIC params "any")
RETURNS SETOF bytea
AS 'MODULE_PATHNAME', 'instant_arrow'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION instant.arrow(text, "any") IS
    'the result of a query with parameters $1, $2, ... as an Arrow IPC stream';

CREATE FUNCTION instant.arrow_with(options jsonb, query text)
RETURNS SETOF bytea
AS 'MODULE_PATHNAME', 'instant_arrow_with'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION instant.arrow_with(jsonb, text) IS
    'as instant.arrow, with options such as {"numeric": "float64", "compression": "lz4"}';

CREATE FUNCTION instant.arrow_with(options jsonb, query text, VARIADIC params "any")
RETURNS SETOF bytea
AS 'MODULE_PATHNAME', 'instant_arrow_with'
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION instant.arrow_with(jsonb, text, "any") IS
    'as instant.arrow with parameters, with options';

CREATE FUNCTION instant.version()
RETURNS text
AS 'MODULE_PATHNAME', 'instant_version'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION instant.version() IS
    'version of the library that is loaded; that of the SQL objects is in pg_extension';

CREATE FUNCTION instant.stat_counters(
    OUT scope text, OUT since timestamptz, OUT queries bigint, OUT completed bigint, OUT rows bigint,
    OUT batches bigint, OUT bytes bigint, OUT unrepresentable bigint, OUT plans_reused bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'instant_stat_counters'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 2;
COMMENT ON FUNCTION instant.stat_counters() IS 'what the view instant.stats shows';

CREATE VIEW instant.stats AS SELECT * FROM instant.stat_counters();
COMMENT ON VIEW instant.stats IS
    'what instant.arrow did: in this session, and in the cluster if shared_preload_libraries names instant_fdw';
GRANT SELECT ON instant.stats TO PUBLIC;
