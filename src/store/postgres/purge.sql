-- PurgeRecords: deletes records of a tenant, forgotten ones too, with their histories, and raises the floor under the
-- fences. Looks at one page of the primary key. Held ones stay unless forced. One line of the audit log tells of all that
-- it deleted, without keys; in earlier lines the keys of that page are blotted out, also of records that are long gone. A
-- line is written where only that was done, too.
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
-- At least one row: what was deleted, and with each the same summary; scope is null when nothing was.
--
-- To be sent in a transaction that has locked the audit log's head in a statement before, see audit/locked.ts: lines that
-- somebody wrote since this statement began to look would keep their keys. And the head comes before the records, as in
-- release.sql.
with moment as materialized (
  select coalesce($11::timestamptz, clock_timestamp()) as seen_at
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
), locked as materialized (
  select l.scope, l.key
  from moment m
  cross join looked l
  cross join lateral (
    select 1
    from holdfast.record k
    where k.tenant = $1::text
      and k.scope = l.scope
      and k.key = l.key
      and ($6::boolean or k.state <> 1 or k.due <= m.seen_at)
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
), redacted as (
  update holdfast.audit a set
    record_key = null,
    salt = null
  where a.tenant = $1::text
    and a.record_key is not null
    and (a.record_scope, a.record_key) >= ($2::text, $3::text)
    and (a.record_scope, a.record_key) <= ((select p.to_scope from page p), (select p.to_key from page p))
    and (a.record_scope, a.record_key) not in (select t.scope, t.key from kept t)
  returning 1
), summary as materialized (
  select p.*, (select count(*) from gone) as purged, (select count(*) from redacted) as redacted
  from page p
), head as (
  update holdfast.audit_head a
  set sequence = a.sequence + 1
  from summary s
  where s.purged + s.redacted > 0
  returning a.sequence
), logged as (
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, record_scope, detail)
  select
    h.sequence, m.seen_at, $9::text, 'purge', 'record', $1::text, $1::text, $10::text, $8::text,
    jsonb_build_object(
      'target', case when ($2::text, $3::text) = ($4::text, $5::text) then 'record' when $8::text is null then 'tenant' else 'scope' end,
      'purged', s.purged, 'held', s.looked - s.purged, 'redacted', s.redacted
    )
  from head h
  cross join moment m
  cross join summary s
)
select
  g.scope, g.key,
  s.looked, s.purged, s.redacted, s.to_scope, s.to_key
from summary s
left join gone g on true
