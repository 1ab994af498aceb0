-- ForceRelease: takes the lease of a record in progress away. A reconciler's goes back to outcome-unknown whatever the
-- policy, and the suspect stays the suspect. Leaves a record alone whose outcome a lapse has made unknown already, and one
-- whose fence is another.
--
-- $1 tenant text   $2 scope text   $3 key text
-- $4 fence bigint: as the operator read it
-- $5 token bytea: fresh, given to nobody
-- $6 actor text    $7 reason text: for the audit log
-- $8 as_of timestamptz: null for the database's clock
--
-- One row: the record as it was left, with the number in the audit log; or as it was found, then changed_sequence is null,
-- and state too where there is none. What was found may have changed since: then the caller asks again.
--
-- The audit log's head is locked before the record, so that no batch waits for a record that waits for the log. It is
-- raised for nothing when the record changes in between; numbers without a line are allowed for that.
with moment as materialized (
  select coalesce($8::timestamptz, clock_timestamp()) as seen_at
), found as materialized (
  select
    m.seen_at, $1::text as tenant, $2::text as scope, $3::text as key,
    k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
    k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
    k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
    k.end_digest, null::bytea as outcome, null::bytea as checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence,
    k.external_ref, k.progress
  from moment m
  left join lateral (
    select *
    from holdfast.record k
    where k.tenant = $1::text
      and k.scope = $2::text
      and k.key = $3::text
    limit 1
  ) k on true
), head as (
  update holdfast.audit_head
  set sequence = sequence + 1
  where exists (
    select
    from found k
    where k.fence = $4::bigint
      and k.state = 1
      and (k.due > k.seen_at or not (k.hold or k.suspect_token is not null))
  )
  returning sequence, coalesce($8::timestamptz, clock_timestamp()) as now
), changed as (
  update holdfast.record k set
    state = case when k.hold or k.suspect_token is not null then 5 else 2 end,
    due = h.now,
    fence = greatest(k.fence + 1, (extract(epoch from h.now) * 1000000)::bigint),
    lease_token = $5::bytea,
    suspect_token = case when k.hold or k.suspect_token is not null then coalesce(k.suspect_token, k.lease_token) end,
    suspect_fence = case when k.hold or k.suspect_token is not null then coalesce(k.suspect_fence, k.fence) end,
    reason = case when k.hold or k.suspect_token is not null then coalesce(k.reason, 1) end,
    end_digest = null,
    audit_sequence = h.sequence
  from head h
  cross join found f
  where k.tenant = $1::text
    and k.scope = $2::text
    and k.key = $3::text
    and k.fence = $4::bigint
    and k.state = 1
    and (k.due > h.now or not (k.hold or k.suspect_token is not null))
  returning
    h.now as seen_at, k.tenant, k.scope, k.key,
    k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
    k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
    k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
    k.end_digest, null::bytea as outcome, null::bytea as checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence,
    k.external_ref, k.progress,
    h.sequence as changed_sequence, f.attempt as attempt_before
), logged as (
  insert into holdfast.audit (
    sequence, time, actor, action, subject_kind, subject, tenant, reason, record_scope, record_key, detail
  )
  select
    c.changed_sequence, c.seen_at, $6::text, 'release', 'record', c.tenant, c.tenant, $7::text, c.scope, c.key,
    jsonb_build_object(
      'attempt', c.attempt_before,
      'fence', c.fence::text,
      'state', (array['in-progress', 'available', 'completed', 'failed', 'outcome-unknown'])[c.state]
    )
  from changed c
)
select c.* from changed c
union all
select f.*, null, null
from found f
where not exists (select from changed)
