-- Notify: tells every session that listens on this database, this server's own included. Nothing is written, so the
-- commit flushes nothing while it holds the lock that all notifying commits of the cluster share.
--
-- $1 payload text[]
select pg_notify('holdfast', p.payload)
from unnest($1::text[]) as p (payload)
