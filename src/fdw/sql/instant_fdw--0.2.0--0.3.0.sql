/* instant_fdw 0.3.0: MySQL, MariaDB and PostgreSQL as sources of our own */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION instant_fdw UPDATE" to load this file. \quit

CREATE FUNCTION instant.mysql_validator(options text[], catalogue oid)
RETURNS void
AS 'MODULE_PATHNAME', 'instant_mysql_validator'
LANGUAGE C STRICT;
COMMENT ON FUNCTION instant.mysql_validator(text[], oid) IS 'checks options of the adapter mysql';

CREATE FOREIGN DATA WRAPPER instant_mysql
HANDLER instant.fdw_handler VALIDATOR instant.mysql_validator
OPTIONS (adapter 'mysql');
COMMENT ON FOREIGN DATA WRAPPER instant_mysql IS 'databases of MySQL and MariaDB as tables';

CREATE FUNCTION instant.postgres_validator(options text[], catalogue oid)
RETURNS void
AS 'MODULE_PATHNAME', 'instant_postgres_validator'
LANGUAGE C STRICT;
COMMENT ON FUNCTION instant.postgres_validator(text[], oid) IS
    'checks options of the adapter postgres';

CREATE FOREIGN DATA WRAPPER instant_postgres
HANDLER instant.fdw_handler VALIDATOR instant.postgres_validator
OPTIONS (adapter 'postgres');
COMMENT ON FOREIGN DATA WRAPPER instant_postgres IS 'databases of PostgreSQL as tables';
