-- Replication slots that keep something from being removed: versions of rows, or write-ahead log.
select
  s.slot_name::text as name,
  s.active,
  s.wal_status,
  greatest(age(s.xmin), age(s.catalog_xmin)) as transactions,
  case
    when pg_is_in_recovery() then null
    else pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::double precision
  end as wal_bytes
from pg_replication_slots s
order by s.slot_name
