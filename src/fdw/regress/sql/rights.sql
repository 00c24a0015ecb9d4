-- Whoever calls sees what a plain SELECT would show.
CREATE ROLE regress_instant_a;
CREATE ROLE regress_instant_b;
CREATE TABLE secrets (owner name, word text);
INSERT INTO secrets VALUES ('regress_instant_a', 'one'), ('regress_instant_b', 'two'), ('regress_instant_b', 'three');
CREATE FUNCTION bytes(query text) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(position('two'::bytea IN a) + position('one'::bytea IN a) * 1000) FROM instant.arrow(query) a
$$;
SET ROLE regress_instant_a;
SELECT count(*) FROM instant.arrow('SELECT 1');
SELECT instant.version() IS NOT NULL;
SELECT count(*) > 0 FROM instant.stats;
SELECT bytes('SELECT word FROM secrets');
RESET ROLE;
GRANT SELECT ON secrets TO regress_instant_a, regress_instant_b;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (owner = current_user);
SET ROLE regress_instant_a;
SELECT bytes('SELECT word FROM secrets') >= 1000 AS one, bytes('SELECT word FROM secrets') % 1000 > 0 AS two;
SET ROLE regress_instant_b;
SELECT bytes('SELECT word FROM secrets') >= 1000 AS one, bytes('SELECT word FROM secrets') % 1000 > 0 AS two;
RESET ROLE;
SELECT bytes('SELECT word FROM secrets') >= 1000 AS one, bytes('SELECT word FROM secrets') % 1000 > 0 AS two;
SET row_security = off;
SET ROLE regress_instant_a;
SELECT bytes('SELECT word FROM secrets');
RESET ROLE;
RESET row_security;
REVOKE SELECT ON secrets FROM regress_instant_a;
SET ROLE regress_instant_a;
SELECT bytes('SELECT word FROM secrets');
RESET ROLE;

-- A function of another's rights lends them to the query inside, and no longer than it runs.
CREATE FUNCTION lent() RETURNS SETOF bytea LANGUAGE sql SECURITY DEFINER AS $$ SELECT instant.arrow('SELECT word FROM secrets') $$;
SET ROLE regress_instant_a;
SELECT count(*) FROM lent();
SELECT count(*) FROM instant.arrow('SELECT word FROM secrets');
RESET ROLE;
DROP FUNCTION lent, bytes;
DROP TABLE secrets;
DROP ROLE regress_instant_a, regress_instant_b;
