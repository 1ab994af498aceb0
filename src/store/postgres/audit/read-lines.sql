-- A page of the audit log, with all that its hashes cover.
--
-- $1 after bigint
-- $2 limit int
--
-- No upper bound: with both the planner expects few lines, reads them all and sorts them, page after page.
select
  a.sequence,
  trim_scale(extract(epoch from a.time) * 1000000)::text as time_micros,
  a.actor, a.action, a.subject_kind, a.subject, a.tenant, a.reason,
  a.detail::text as detail,
  a.record_scope, a.record_key, a.salt, a.key_commitment, a.hash
from holdfast.audit a
where a.sequence > $1::bigint
order by a.sequence
limit $2::int
