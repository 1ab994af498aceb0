-- A page of a tenant's lines in the audit log for people, newest first. Of a scope or a key: also what was done to the
-- whole tenant's records or to the whole scope's. A purge of one record names no key, and is told of none.
--
-- $1 tenant text
-- $2 scope text: null: every line
-- $3 key text: null: every key
-- $4 before bigint: those of a lower number; null: from the newest
-- $5 limit int
select
  a.sequence,
  trim_scale(extract(epoch from a.time) * 1000000)::text as time_micros,
  a.actor, a.action, a.subject_kind, a.subject, a.tenant, a.reason,
  a.detail::text as detail,
  a.record_scope, a.record_key,
  a.key_commitment is not null and a.record_key is null as redacted
from holdfast.audit a
where a.tenant = $1::text
  and a.sequence < coalesce($4::bigint, 9223372036854775807)
  and (
    $2::text is null
    or a.subject_kind = 'record'
      and coalesce(a.record_scope = $2::text, true)
      and (
        $3::text is null
        or a.record_key = $3::text
        or a.key_commitment is null and a.detail ->> 'target' is distinct from 'record'
      )
  )
order by a.sequence desc
limit $5::int
