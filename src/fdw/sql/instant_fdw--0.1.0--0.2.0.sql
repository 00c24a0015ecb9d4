/* instant_fdw 0.2.0: foreign tables of our own adapters */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION instant_fdw UPDATE" to load this file. \quit

CREATE FUNCTION instant.fdw_handler()
RETURNS fdw_handler
AS 'MODULE_PATHNAME', 'instant_fdw_handler'
LANGUAGE C STRICT;
COMMENT ON FUNCTION instant.fdw_handler() IS
    'what PostgreSQL calls for foreign tables of every adapter';

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
