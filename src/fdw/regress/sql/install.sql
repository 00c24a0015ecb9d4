-- Created where the schema is not there yet, and dropped: the schema stays, as it may hold more.
CREATE EXTENSION instant_fdw;
SELECT instant.version() = extversion AS same_version FROM pg_extension WHERE extname = 'instant_fdw';
SELECT pg_describe_object(classid, objid, 0) COLLATE "C" AS member
  FROM pg_depend WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'instant_fdw') AND deptype = 'e'
   AND classid <> 'pg_type'::regclass
 ORDER BY 1;
DROP EXTENSION instant_fdw;
SELECT nspname FROM pg_namespace WHERE nspname = 'instant';

-- Beside what setup keeps in the same schema, in either order.
CREATE TABLE instant.objects (kind text);
CREATE DOMAIN instant.exact AS text;
CREATE EXTENSION instant_fdw;
DROP SCHEMA instant;
DROP EXTENSION instant_fdw;
SELECT count(*) FROM instant.objects;
DROP SCHEMA instant CASCADE;
CREATE EXTENSION instant_fdw;
CREATE TABLE instant.objects (kind text);
DROP EXTENSION instant_fdw;
DROP TABLE instant.objects;

-- A function of the same name that somebody made before is not taken over.
CREATE FUNCTION instant.version() RETURNS text LANGUAGE sql AS 'SELECT ''mine''';
\set SHOW_CONTEXT never
CREATE EXTENSION instant_fdw;
\set SHOW_CONTEXT errors
DROP SCHEMA instant CASCADE;
CREATE EXTENSION instant_fdw;
CREATE EXTENSION instant_fdw;
CREATE EXTENSION IF NOT EXISTS instant_fdw;

-- How the functions are declared, and that each is commented.
SELECT proname, provolatile, proparallel, proisstrict, prosecdef, proretset
  FROM pg_proc WHERE pronamespace = 'instant'::regnamespace ORDER BY proname COLLATE "C", pronargs;
SELECT proname FROM pg_proc
 WHERE pronamespace = 'instant'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL;
