-- What was measured of a tenant last: no row when nothing was.
--
-- $1 tenant text
select
  u.live_records, u.stored_bytes, u.leases,
  (extract(epoch from clock_timestamp() - u.measure_time) * 1000)::double precision as age_ms
from holdfast.tenant_usage u
where u.tenant = $1::text
