/* instant_fdw 0.2.0: foreign tables of our own adapters */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION instant_fdw UPDATE" to load this file. \quit

CREATE FUNCTION instant.fdw_handler()
RETURNS fdw_handler
AS 'MODULE_PATHNAME', 'instant_fdw_handler'
LANGUAGE C STRICT;
COMMENT ON FUNCTION instant.fdw_handler() IS
    'what PostgreSQL calls for foreign tables of every adapter';

CREATE FUNCTION instant.relations(
    query text, OUT server text, OUT relation text, OUT request bytea)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'instant_relations'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION instant.relations(text) IS
    'what a query would ask of our own sources: the relation as text, and as instant-source reads it';

CREATE FUNCTION instant.rest_validator(options text[], catalogue oid)
RETURNS void
AS 'MODULE_PATHNAME', 'instant_rest_validator'
LANGUAGE C STRICT;
COMMENT ON FUNCTION instant.rest_validator(text[], oid) IS 'checks options of the adapter rest';

CREATE FOREIGN DATA WRAPPER instant_rest
HANDLER instant.fdw_handler VALIDATOR instant.rest_validator
OPTIONS (adapter 'rest');
COMMENT ON FOREIGN DATA WRAPPER instant_rest IS 'REST APIs as tables';

CREATE FUNCTION instant.sqlite_validator(options text[], catalogue oid)
RETURNS void
AS 'MODULE_PATHNAME', 'instant_sqlite_validator'
LANGUAGE C STRICT;
COMMENT ON FUNCTION instant.sqlite_validator(text[], oid) IS 'checks options of the adapter sqlite';

CREATE FOREIGN DATA WRAPPER instant_sqlite
HANDLER instant.fdw_handler VALIDATOR instant.sqlite_validator
OPTIONS (adapter 'sqlite');
COMMENT ON FOREIGN DATA WRAPPER instant_sqlite IS 'files of SQLite as tables';

/* A source's own language is beyond what any check of ours can judge: a GRANT says who may use it. */
CREATE FUNCTION instant.query(server text, request text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'instant_query'
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000;
REVOKE EXECUTE ON FUNCTION instant.query(text, text) FROM PUBLIC;
COMMENT ON FUNCTION instant.query(text, text) IS
    'rows that a foreign server answers a request of its own language with; the column list says their types';

CREATE FUNCTION instant.scan_counters(
    OUT server_id oid, OUT server text, OUT scans bigint, OUT rows bigint, OUT bytes bigint,
    OUT requests bigint, OUT retries bigint, OUT cache_hits bigint, OUT errors bigint,
    OUT pushed bigint, OUT wait_ms double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'instant_scan_counters'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION instant.scan_counters() IS 'what the view instant.scans shows';

CREATE VIEW instant.scans AS SELECT * FROM instant.scan_counters();
COMMENT ON VIEW instant.scans IS
    'what was asked of each foreign server: by all sessions if shared_preload_libraries names instant_fdw, else by this one';
GRANT SELECT ON instant.scans TO PUBLIC;
