-- The changes of tenants and API keys in the audit log after a number, lowest first, with where the log stands. At least
-- one row; sequence is null where there is no change.
--
-- $1 after bigint: null: only where the log stands
-- $2 limit int
--
-- mark is when the change of number $1 was made: it differs, or is null, when the log is not the one of which $1 is a
-- number, as after a restore. head_time is when the change of number head was made, null if it was not after all. Both
-- may be changes of records, which are not among the rows: an index without them skips any number of them.
select
  head.sequence as head,
  (
    select a.time
    from holdfast.audit a
    where a.sequence = head.sequence
  ) as head_time,
  (
    select a.time
    from holdfast.audit a
    where a.sequence = coalesce($1::bigint, head.sequence)
  ) as mark,
  c.*
from holdfast.audit_head head
left join lateral (
  select
    a.sequence, a.subject_kind, a.subject, a.action, a.tenant,
    coalesce(a.detail -> 'eager' = 'true'::jsonb, false) as is_eager,
    a.subject_kind = 'tenant'
      and a.action not in ('drain', 'resume', 'health')
      and coalesce(a.detail -> 'names' <> 'false'::jsonb, true) as changes_names
  from holdfast.audit a
  where a.sequence > $1::bigint
    and a.subject_kind <> 'record'
  order by a.sequence
  limit $2::int
) c on true
