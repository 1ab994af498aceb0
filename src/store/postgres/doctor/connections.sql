-- Connections that are open, and how many there can be for roles that are not privileged.
select
  (select sum(d.numbackends) from pg_stat_database d)::int as used,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) as usable
