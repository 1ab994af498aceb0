-- Create an API key, with its line in the audit log. One row: how many good keys of its tenant there were, up to keys_max,
-- and whether the tenant is registered; and what was made, with an id of null when nothing was, and nothing changed.
--
-- $1 id text           $2 tenant text: null for every tenant       $3 roles text[]
-- $4 salt bytea        $5 hash bytea                               $6 display_name text
-- $7 lifetime_ms bigint: null for ever
-- $8 actor text        $9 reason text
-- $10 keys_max bigint: of the tenant, or of every tenant, neither revoked nor expired; null: any number
--
-- What is counted is as old as the snapshot, while the head is read anew after the wait for it: each change since then
-- may have been another key. So none is made when those might be too many, although there are not: then it was overtaken.
-- A tenant that goes meanwhile takes the foreign key with it: the statement fails with 23503.
with seen as materialized (
  select
    h.sequence,
    $2::text is null or exists (select from holdfast.tenant t where t.id = $2::text) as registered
  from holdfast.audit_head h
  where h.only_row
), good as materialized (
  select count(*) as keys
  from (
    select
    from holdfast.api_key k
    where k.tenant = $2::text
      and k.revoke_time is null
      and (k.expire_time is null or k.expire_time > clock_timestamp())
    union all
    select
    from holdfast.api_key k
    where $2::text is null
      and k.tenant is null
      and k.revoke_time is null
      and (k.expire_time is null or k.expire_time > clock_timestamp())
    limit $10::bigint
  ) as k
), head as (
  update holdfast.audit_head h
  set sequence = h.sequence + 1
  where h.only_row
    and (select s.registered from seen s)
    and (
      $10::bigint is null
      or (select g.keys from good g) + h.sequence - (select s.sequence from seen s) < $10::bigint
    )
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
  returning pg_notify('holdfast_registry', '')
)
select g.keys, s.registered, c.*
from seen s
cross join good g
left join created c on true
