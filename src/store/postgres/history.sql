-- History: a record, forgotten or not, and the events that are kept of it, oldest first; touches nothing. Of an event that
-- an operator made it says who and why.
--
-- $1 tenant text   $2 scope text   $3 key text
-- $4 outcomes boolean: read them too, and the events' errors; otherwise they are empty bytes where there are any
-- $5 as_of timestamptz: null for the database's clock
--
-- The first row is the record, and those after it are its events; none: there is no record.
with moment as materialized (
  select coalesce($5::timestamptz, clock_timestamp()) as seen_at
), found as materialized (
  select
    0::bigint as nothing, k.tenant, k.scope, k.key,
    k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
    k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
    k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
    k.end_digest, case when $4::boolean then k.outcome when k.outcome is not null then ''::bytea end as outcome,
    k.checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence, k.external_ref, k.progress
  from holdfast.record k
  where k.tenant = $1::text
    and k.scope = $2::text
    and k.key = $3::text
  limit 1
), event as materialized (
  select
    e.sequence, e.kind, e.time, e.attempt as event_attempt, e.fence as event_fence, e.evidence as event_evidence,
    case when $4::boolean then e.error when e.error is not null then ''::bytea end as error, e.late, e.audit_sequence,
    n.actor, n.reason as note
  from found f
  cross join holdfast.record_event e
  left join lateral (
    select *
    from holdfast.audit a
    where a.sequence = e.audit_sequence
    limit 1
  ) n on true
  where e.tenant = $1::text
    and e.scope = $2::text
    and e.key = $3::text
)
-- No event is number 0: the two are put one below the other. A full join can only be hashed, see claim.sql.
select m.seen_at, f.*, e.*
from moment m
cross join (found f full join event e on e.sequence = f.nothing)
order by e.sequence nulls first
