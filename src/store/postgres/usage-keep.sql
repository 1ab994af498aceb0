-- Keeps what was measured of a tenant, with when that began.
--
-- $1 tenant text
-- $2 live_records bigint, $3 stored_bytes bigint, $4 leases bigint
-- $5 began_at timestamptz: null for now
insert into holdfast.tenant_usage as u (tenant, live_records, stored_bytes, leases, measure_time)
values ($1::text, $2::bigint, $3::bigint, $4::bigint, coalesce($5::timestamptz, clock_timestamp()))
on conflict (tenant) do update set
  live_records = excluded.live_records,
  stored_bytes = excluded.stored_bytes,
  leases = excluded.leases,
  measure_time = excluded.measure_time
