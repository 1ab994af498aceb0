-- Judge: another health, or another reason for the same one, of one generation of a tenant. No row, and nothing changed,
-- unless it has this generation and this health still.
--
-- $1 id text
-- $2 generation bigint
-- $3 from text: the health that it was judged from
-- $4 to text
-- $5 health_reason text
-- $6 actor text   $7 reason text   $8 event text: for the audit log
with head as (
  update holdfast.audit_head
  set sequence = sequence + 1
  where exists (
    select
    from holdfast.tenant t
    where t.id = $1::text
      and t.generation = $2::bigint
      and t.health = $3::text
  )
  returning sequence, clock_timestamp() as now
), judged as (
  update holdfast.tenant t set
    health = $4::text,
    health_reason = $5::text,
    health_since = case when t.health = $4::text then t.health_since else head.now end
  from head
  where t.id = $1::text
    and t.generation = $2::bigint
    and t.health = $3::text
  returning t.id, t.health, t.health_reason, t.health_since, head.sequence, head.now
), logged as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, detail)
  select
    judged.sequence, judged.now, $6::text, 'health', 'tenant', judged.id, judged.id, $7::text,
    jsonb_build_object('from', $3::text, 'to', $4::text, 'event', $8::text, 'reason', $5::text)
  from judged
  returning pg_notify('holdfast_registry', '')
)
select judged.health, judged.health_reason, judged.health_since
from judged
