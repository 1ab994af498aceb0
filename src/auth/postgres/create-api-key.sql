-- Create an API key, with its line in the audit log: no row, and no change, when its tenant is not registered.
--
-- $1 id text           $2 tenant text: null for every tenant       $3 roles text[]
-- $4 salt bytea        $5 hash bytea                               $6 display_name text
-- $7 lifetime_ms bigint: null for ever
-- $8 actor text        $9 reason text
--
-- A tenant that goes meanwhile takes the foreign key with it: the statement fails with 23503.
with head as (
  update holdfast.audit_head
  set sequence = sequence + 1
  where only_row
    and ($2::text is null or exists (select from holdfast.tenant t where t.id = $2::text))
  returning sequence, clock_timestamp() as moment
), created as (
  insert into holdfast.api_key (id, tenant, roles, salt, hash, display_name, create_time, expire_time)
  select
    $1::text, $2::text, $3::text[], $4::bytea, $5::bytea, $6::text, h.moment,
    h.moment + $7::bigint * interval '1 millisecond'
  from head h
  returning id, tenant, roles, display_name, create_time, expire_time, revoke_time
), audited as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, detail)
  select
    h.sequence, h.moment, $8::text, 'create', 'api-key', c.id, c.tenant, $9::text,
    jsonb_build_object('roles', c.roles, 'display-name', c.display_name, 'expire-time', c.expire_time)
  from head h, created c
)
select c.*, pg_notify('holdfast_registry', '')
from created c
