-- A page of the audit log for people, newest first.
--
-- $1 before bigint: those of a lower number; null: from the newest
-- $2 limit int
select
  a.sequence,
  trim_scale(extract(epoch from a.time) * 1000000)::text as time_micros,
  a.actor, a.action, a.subject_kind, a.subject, a.tenant, a.reason,
  a.detail::text as detail,
  a.record_scope, a.record_key,
  a.key_commitment is not null and a.record_key is null as redacted
from holdfast.audit a
where a.sequence < coalesce($1::bigint, 9223372036854775807)
order by a.sequence desc
limit $2::int
