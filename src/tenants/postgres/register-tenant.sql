-- Register: a new tenant with its hosts and issuers. Fails on a constraint, and changes nothing, when the id
-- (tenant_pkey), a host (tenant_host_taken) or an issuer (tenant_issuer_taken) is registered already.
--
-- $1 tenant jsonb: columns of holdfast.tenant by name
-- $2 hosts jsonb: [{host, path}]
-- $3 issuers jsonb: [{issuer, subject, audience, jwks_url}]
-- $4 health text
-- $5 actor text   $6 reason text   $7 detail jsonb: for the audit log
--
-- One row: what was not given. The head of the audit log is locked first, here as in every change: changes come one after the other.
with head as (
  update holdfast.audit_head
  set sequence = sequence + 1, names = sequence + 1
  returning sequence, clock_timestamp() as now
), registered as (
  insert into holdfast.tenant (
    id, display_name, generation, health, agent_url, validator, validator_url, eager, serve_states, placement, encrypted,
    new_records_per_second, new_records_burst, live_records, stored_bytes, leases, waiters, hold, max_attempts,
    max_execution_ms, result_retention_ms, tombstone_retention_ms, health_since, create_time, update_time
  )
  select
    d.id, d.display_name, head.sequence, $4::text, d.agent_url, d.validator, d.validator_url, d.eager, d.serve_states,
    d.placement, d.encrypted, d.new_records_per_second, d.new_records_burst, d.live_records, d.stored_bytes, d.leases,
    d.waiters, d.hold, d.max_attempts, d.max_execution_ms, d.result_retention_ms, d.tombstone_retention_ms,
    head.now, head.now, head.now
  from head
  cross join jsonb_to_record($1::jsonb) as d (
    id text, display_name text, agent_url text, validator text, validator_url text, eager boolean, serve_states text[],
    placement text, encrypted boolean, new_records_per_second double precision, new_records_burst bigint,
    live_records bigint, stored_bytes bigint, leases bigint, waiters bigint, hold boolean, max_attempts integer,
    max_execution_ms bigint, result_retention_ms bigint, tombstone_retention_ms bigint
  )
  returning id, generation, health_since, draining, create_time, update_time
), hosts as (
  insert into holdfast.tenant_host (host, path, tenant)
  select w.host, w.path, registered.id
  from registered
  cross join jsonb_to_recordset($2::jsonb) as w (host text, path text)
), issuers as (
  insert into holdfast.tenant_issuer (issuer, subject, tenant, audience, jwks_url)
  select w.issuer, w.subject, registered.id, w.audience, w.jwks_url
  from registered
  cross join jsonb_to_recordset($3::jsonb) as w (issuer text, subject text, audience text, jwks_url text)
), logged as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, detail)
  select
    registered.generation, registered.create_time, $5::text, 'register', 'tenant', registered.id, registered.id, $6::text,
    $7::jsonb
  from registered
  returning pg_notify('holdfast_registry', '')
)
select registered.generation, registered.health_since, registered.draining, registered.create_time, registered.update_time
from registered
