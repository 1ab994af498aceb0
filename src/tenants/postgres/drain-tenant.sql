-- Drain: keeps a tenant from acquiring, or lets it again. One that is so already stays as it is, and nothing is logged.
--
-- $1 id text
-- $2 draining boolean
-- $3 actor text   $4 reason text: for the audit log
with head as (
  update holdfast.audit_head
  set sequence = sequence + 1
  where exists (
    select
    from holdfast.tenant t
    where t.id = $1::text
      and t.draining <> $2::boolean
  )
  returning sequence, clock_timestamp() as now
), changed as (
  update holdfast.tenant t set
    draining = $2::boolean
  from head
  where t.id = $1::text
    and t.draining <> $2::boolean
  returning t.id, head.sequence, head.now
), logged as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason)
  select
    changed.sequence, changed.now, $3::text, case when $2::boolean then 'drain' else 'resume' end, 'tenant', changed.id, changed.id,
    $4::text
  from changed
  returning pg_notify('holdfast_registry', '')
)
select changed.id
from changed
