-- Unregister: deletes a tenant with its hosts, issuers and API keys. No row when there was none.
--
-- $1 id text
-- $2 actor text   $3 reason text: for the audit log
with head as (
  update holdfast.audit_head
  set sequence = sequence + 1, names = sequence + 1
  where exists (
    select
    from holdfast.tenant t
    where t.id = $1::text
  )
  returning sequence, clock_timestamp() as now
), gone as (
  delete from holdfast.tenant t
  using head
  where t.id = $1::text
  returning t.id, t.generation, head.sequence, head.now
), logged as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, detail)
  select
    gone.sequence, gone.now, $2::text, 'unregister', 'tenant', gone.id, gone.id, $3::text,
    jsonb_build_object('generation', gone.generation)
  from gone
  returning pg_notify('holdfast_registry', '')
)
select gone.id
from gone
