-- Revoke an API key, with its line in the audit log: no row, and no change, when there is none to revoke.
--
-- $1 id text
-- $2 tenant text: whose key it must be, null for anybody's
-- $3 actor text        $4 reason text
with head as (
  update holdfast.audit_head
  set sequence = sequence + 1
  where only_row
    and exists (
      select
      from holdfast.api_key k
      where k.id = $1::text
        and ($2::text is null or k.tenant = $2::text)
        and k.revoke_time is null
    )
  returning sequence, clock_timestamp() as moment
), revoked as (
  -- Another's revocation may have been committed while this one waited for the head: then this one finds nothing.
  update holdfast.api_key k
  set revoke_time = h.moment
  from head h
  where k.id = $1::text
    and k.revoke_time is null
  returning k.id, k.tenant, k.roles, k.display_name, k.create_time, k.expire_time, k.revoke_time
), audited as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason)
  select h.sequence, h.moment, $3::text, 'revoke', 'api-key', r.id, r.tenant, $4::text
  from head h, revoked r
)
select r.*, pg_notify('holdfast_registry', '')
from revoked r
