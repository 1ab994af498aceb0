-- The oldest prepared transaction of this database; no row without any.
select
  quote_literal(p.gid) as gid,
  extract(epoch from clock_timestamp() - p.prepared)::double precision as seconds,
  count(*) over ()::int as prepared
from pg_prepared_xacts p
where p.database = current_database()
order by p.prepared
limit 1
