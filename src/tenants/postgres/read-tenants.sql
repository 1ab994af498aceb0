-- Reads tenants with their hosts and issuers, by id. No row for those that are not registered.
--
-- $1 ids text[]
select
  t.id, t.display_name, t.generation, t.health, t.health_reason, t.health_since, t.draining, t.agent_url, t.validator,
  t.validator_url, t.eager, t.serve_states, t.placement, t.encrypted, t.new_records_per_second, t.new_records_burst,
  t.live_records, t.stored_bytes, t.leases, t.waiters, t.hold, t.max_attempts, t.max_execution_ms,
  t.result_retention_ms, t.tombstone_retention_ms, t.create_time, t.update_time,
  (
    select coalesce(jsonb_agg(jsonb_build_object('host', h.host, 'path', h.path) order by h.host, h.path), '[]')
    from holdfast.tenant_host h
    where h.tenant = t.id
  ) as hosts,
  (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('issuer', i.issuer, 'subject', i.subject, 'audience', i.audience, 'jwksUrl', i.jwks_url)
        order by i.issuer, i.subject
      ),
      '[]'
    )
    from holdfast.tenant_issuer i
    where i.tenant = t.id
  ) as issuers
from holdfast.tenant t
where t.id = any($1::text[])
order by t.id
