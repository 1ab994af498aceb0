-- PurgeRecords: deletes records of a tenant, forgotten ones too, with their histories, and raises the floor under the
-- fences. Looks at one page of the primary key. Held ones stay unless forced. One line of the audit log tells of all that
-- it deleted, without keys; in earlier lines the keys of that page are blotted out, also of records that are long gone.
--
-- $1 tenant text
-- $2 from_scope text    $3 from_key text: where the page begins
-- $4 last_scope text    $5 last_key text: where it ends at the latest
-- $6 force boolean: also while a lease is live
-- $7 limit int: how many records to look at
-- $8 scope text: for the audit log; null: of every scope
-- $9 actor text         $10 reason text: for the audit log
-- $11 as_of timestamptz: null for the database's clock
--
-- At least one row: what was deleted, and with each the same summary; scope is null when nothing was. overtaken says that
-- somebody wrote to the audit log since this statement began to look: lines that it cannot see may hold keys, so it has
-- deleted nothing and is to be sent again.
--
-- The audit log's head is locked before the records, as in release.sql.
with moment as materialized (
  select
    coalesce($11::timestamptz, clock_timestamp()) as seen_at,
    (select a.sequence from holdfast.audit_head a) as sequence
), looked as materialized (
  select k.scope, k.key, k.state = 1 and k.due > m.seen_at and not $6::boolean as held
  from moment m
  cross join (
    select *
    from holdfast.record k
    where k.tenant = $1::text
      and (k.scope, k.key) >= ($2::text, $3::text)
      and (k.scope, k.key) <= ($4::text, $5::text)
    order by k.scope, k.key
    limit $7::int
  ) k
), page as (
  select
    count(*) as looked,
    case when count(*) < $7::int then $4::text else (array_agg(l.scope order by l.scope, l.key))[count(*)::int] end as to_scope,
    case when count(*) < $7::int then $5::text else (array_agg(l.key order by l.scope, l.key))[count(*)::int] end as to_key
  from looked l
), head as (
  update holdfast.audit_head a
  set sequence = a.sequence + 1
  from moment m
  where a.sequence = m.sequence
    and exists (select from looked l where not l.held)
  returning a.sequence, coalesce($11::timestamptz, clock_timestamp()) as now
), locked as materialized (
  select l.scope, l.key
  from head h
  cross join looked l
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = $1::text
      and k.scope = l.scope
      and k.key = l.key
      and ($6::boolean or k.state <> 1 or k.due <= h.now)
    limit 1
    for update
  ) k
  where not l.held
), gone as (
  delete from holdfast.record k
  using locked l
  where k.tenant = $1::text
    and k.scope = l.scope
    and k.key = l.key
  returning k.scope, k.key, k.fence
), floor as (
  update holdfast.fence_floor f set
    fence = greatest(f.fence, g.fence)
  from (select max(fence) as fence from gone) g
  where g.fence is not null
), kept as (
  select l.scope, l.key
  from looked l
  except
  select g.scope, g.key
  from gone g
), summary as materialized (
  select p.*, (select count(*) from gone) as purged
  from page p
), redacted as (
  update holdfast.audit a set
    record_key = null,
    salt = null
  where a.tenant = $1::text
    and a.record_key is not null
    and (a.record_scope, a.record_key) >= ($2::text, $3::text)
    and (a.record_scope, a.record_key) <= ((select s.to_scope from summary s), (select s.to_key from summary s))
    and (a.record_scope, a.record_key) not in (select t.scope, t.key from kept t)
), logged as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, record_scope, detail)
  select
    h.sequence, h.now, $9::text, 'purge', 'record', $1::text, $1::text, $10::text, $8::text,
    jsonb_build_object('purged', s.purged, 'held', s.looked - s.purged)
  from head h
  cross join summary s
  where s.purged > 0
)
select
  g.scope, g.key,
  s.looked, s.purged, s.to_scope, s.to_key,
  exists (select from looked l where not l.held) and not exists (select from head) as overtaken
from summary s
left join gone g on true
