-- What Postgres counts of the tables that grow. vacuumed_seconds: since the last vacuum, null when none is known of.
select
  c.relname::text as name,
  coalesce(s.n_live_tup, 0)::double precision as live,
  coalesce(s.n_dead_tup, 0)::double precision as dead,
  coalesce(s.n_tup_upd, 0)::double precision as updates,
  coalesce(s.n_tup_hot_upd, 0)::double precision as heap_only,
  extract(epoch from clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::double precision as vacuumed_seconds,
  current_setting('autovacuum')::boolean
    and not exists (
      select
      from unnest(c.reloptions) as o (option)
      where o.option in ('autovacuum_enabled=false', 'autovacuum_enabled=off', 'autovacuum_enabled=0', 'autovacuum_enabled=no')
    ) as autovacuum,
  pg_table_size(c.oid)::double precision as table_bytes,
  pg_indexes_size(c.oid)::double precision as index_bytes
from pg_class c
left join pg_stat_all_tables s on s.relid = c.oid
where c.relnamespace = 'holdfast'::regnamespace
  and c.relkind = 'r'
  and c.relname in ('record', 'record_event', 'audit')
order by c.relname = 'record' desc, c.relname
