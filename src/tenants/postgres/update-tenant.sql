-- Update: another registration in the place of a tenant's, under a new generation. Placement and encryption stay as they
-- are. One row: the generation that was found, null when there is no tenant; and what is new of it and was not given,
-- with a generation of null when it was not changed. It is not when it has another generation than the one asked for, or
-- when it was changed while the statement waited for its turn.
-- Fails on a constraint, and changes nothing, when a host (tenant_host_taken) or an issuer (tenant_issuer_taken) is
-- another tenant's.
--
-- $1 tenant jsonb: columns of holdfast.tenant by name
-- $2 hosts jsonb: [{host, path}]
-- $3 issuers jsonb: [{issuer, subject, audience, jwks_url}]
-- $4 health text: null: as it is
-- $5 generation bigint: the one that it must have; null: any
-- $6 actor text   $7 reason text   $8 detail jsonb: for the audit log
--
-- The id stands where an index is to be probed: joined with, the planner would read the index from end to end.
-- What the statement sees of hosts and issuers is as old as its snapshot, while the row of the tenant is read anew after
-- the wait for the head: only the generation that was in the snapshot as well vouches for them, and so for whether names
-- change. They do when a host or an issuer with its subject comes or goes: then whoever remembers any is told to forget it.
with declared as materialized (
  select *
  from jsonb_to_record($1::jsonb) as d (
    id text, display_name text, agent_url text, validator text, validator_url text, eager boolean, serve_states text[],
    new_records_per_second double precision, new_records_burst bigint, live_records bigint, stored_bytes bigint,
    leases bigint, waiters bigint, hold boolean, max_attempts integer, max_execution_ms bigint,
    result_retention_ms bigint, tombstone_retention_ms bigint
  )
), found as materialized (
  select t.id, t.generation
  from holdfast.tenant t
  where t.id = $1::jsonb ->> 'id'
), wanted_hosts as materialized (
  select w.host, w.path
  from jsonb_to_recordset($2::jsonb) as w (host text, path text)
), hosts_before as materialized (
  select h.host, h.path
  from holdfast.tenant_host h
  where h.tenant = $1::jsonb ->> 'id'
), wanted_issuers as materialized (
  select w.issuer, w.subject, w.audience, w.jwks_url
  from jsonb_to_recordset($3::jsonb) as w (issuer text, subject text, audience text, jwks_url text)
), issuers_before as materialized (
  select i.issuer, i.subject
  from holdfast.tenant_issuer i
  where i.tenant = $1::jsonb ->> 'id'
), differing as materialized (
  (table wanted_hosts except all table hosts_before)
  union all
  (table hosts_before except all table wanted_hosts)
  union all
  (select w.issuer, w.subject from wanted_issuers w except all table issuers_before)
  union all
  (table issuers_before except all select w.issuer, w.subject from wanted_issuers w)
), head as (
  update holdfast.audit_head
  set
    sequence = sequence + 1,
    names = case when exists (select from differing) then sequence + 1 else names end
  where exists (
    select
    from found
    where found.generation = coalesce($5::bigint, found.generation)
  )
  returning sequence, names = sequence as changes_names, clock_timestamp() as now
), changed as (
  update holdfast.tenant t set
    display_name = d.display_name,
    generation = head.sequence,
    health = coalesce($4::text, t.health),
    health_reason = case when t.health <> $4::text then '' else t.health_reason end,
    health_since = case when t.health <> $4::text then head.now else t.health_since end,
    agent_url = d.agent_url,
    validator = d.validator,
    validator_url = d.validator_url,
    eager = d.eager,
    serve_states = d.serve_states,
    new_records_per_second = d.new_records_per_second,
    new_records_burst = d.new_records_burst,
    live_records = d.live_records,
    stored_bytes = d.stored_bytes,
    leases = d.leases,
    waiters = d.waiters,
    hold = d.hold,
    max_attempts = d.max_attempts,
    max_execution_ms = d.max_execution_ms,
    result_retention_ms = d.result_retention_ms,
    tombstone_retention_ms = d.tombstone_retention_ms,
    update_time = head.now
  from head, declared d, found
  where t.id = $1::jsonb ->> 'id'
    and t.generation = found.generation
  returning
    t.id, t.generation, t.health, t.health_reason, t.health_since, t.draining, t.create_time, t.update_time, t.placement,
    t.encrypted, found.generation as replaced, head.changes_names
), hosts_gone as (
  delete from holdfast.tenant_host h
  using changed
  where h.tenant = $1::jsonb ->> 'id'
    and changed.id = h.tenant
    and not exists (
      select
      from wanted_hosts w
      where w.host = h.host
        and w.path = h.path
    )
), hosts_come as (
  insert into holdfast.tenant_host (host, path, tenant)
  select w.host, w.path, changed.id
  from changed
  cross join wanted_hosts w
  where not exists (
    select
    from hosts_before h
    where h.host = w.host
      and h.path = w.path
  )
), issuers_gone as (
  delete from holdfast.tenant_issuer i
  using changed
  where i.tenant = $1::jsonb ->> 'id'
    and changed.id = i.tenant
    and not exists (
      select
      from wanted_issuers w
      where w.issuer = i.issuer
        and w.subject = i.subject
    )
), issuers_stay as (
  update holdfast.tenant_issuer i set
    audience = w.audience,
    jwks_url = w.jwks_url
  from changed, wanted_issuers w
  where i.tenant = $1::jsonb ->> 'id'
    and changed.id = i.tenant
    and i.issuer = w.issuer
    and i.subject = w.subject
), issuers_come as (
  insert into holdfast.tenant_issuer (issuer, subject, tenant, audience, jwks_url)
  select w.issuer, w.subject, changed.id, w.audience, w.jwks_url
  from changed
  cross join wanted_issuers w
  where not exists (
    select
    from issuers_before i
    where i.issuer = w.issuer
      and i.subject = w.subject
  )
), logged as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, detail)
  select
    changed.generation, changed.update_time, $6::text, 'update', 'tenant', changed.id, changed.id, $7::text,
    $8::jsonb || jsonb_build_object('replaced', changed.replaced, 'names', changed.changes_names)
  from changed
  returning pg_notify('holdfast_registry', '')
)
select
  found.generation as found, changed.generation, changed.health, changed.health_reason, changed.health_since,
  changed.draining, changed.create_time, changed.update_time, changed.placement, changed.encrypted
from declared
left join found on true
left join changed on true
