-- ResetRecord: the next claim is a first claim, and the fence goes on. Of an expired record not even its owner is kept.
-- Leaves forgotten records alone, held ones unless forced, and one whose fence is another or that is in another state: an
-- end raises no fence.
--
-- $1 tenant text   $2 scope text   $3 key text
-- $4 fence bigint: as the operator read it
-- $5 token bytea: fresh, given to nobody
-- $6 force boolean: also while a lease is live
-- $7 state smallint: as the operator saw it, 6 expired; null: whichever
-- $8 actor text    $9 reason text: for the audit log
-- $10 as_of timestamptz: null for the database's clock
--
-- Reports and locks as release.sql; of what was found it says by empty bytes that there is an outcome. A completed record
-- without one has been emptied before its time: it is seen as expired, or as completed where nobody has looked.
with moment as materialized (
  select coalesce($10::timestamptz, clock_timestamp()) as seen_at
), found as materialized (
  select
    m.seen_at, $1::text as tenant, $2::text as scope, $3::text as key,
    k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
    k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
    k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
    k.end_digest, case when k.outcome is not null then ''::bytea end as outcome, null::bytea as checkpoint,
    k.checkpoint_sequence, k.checkpoint_time, k.evidence, k.external_ref, k.progress
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
      and k.forget_at > k.seen_at
      and ($6::boolean or k.state <> 1 or k.due <= k.seen_at)
      and (
        $7::smallint is null
        or $7::smallint = case
          when k.state = 1 and k.due <= k.seen_at and (k.hold or k.suspect_token is not null) then 5
          when k.end_time is not null and k.due <= k.seen_at then 6
          else k.state
        end
        or ($7::smallint = 6 and k.state = 3 and k.outcome is null)
      )
  )
  returning sequence, coalesce($10::timestamptz, clock_timestamp()) as now
), held as materialized (
  select h.sequence, h.now, k.attempt
  from head h
  cross join lateral (
    select *
    from holdfast.record k
    where k.tenant = $1::text
      and k.scope = $2::text
      and k.key = $3::text
      and k.fence = $4::bigint
      and k.forget_at > h.now
      and ($6::boolean or k.state <> 1 or k.due <= h.now)
      and (
        $7::smallint is null
        or $7::smallint = case
          when k.state = 1 and k.due <= h.now and (k.hold or k.suspect_token is not null) then 5
          when k.end_time is not null and k.due <= h.now then 6
          else k.state
        end
        or ($7::smallint = 6 and k.state = 3 and k.outcome is null)
      )
    limit 1
    for no key update
  ) k
), changed as (
  update holdfast.record k set
    state = 2,
    due = h.now,
    forget_at = 'infinity',
    sweep_at = 'infinity',
    attempt = 0,
    fence = greatest(k.fence + 1, (extract(epoch from h.now) * 1000000)::bigint),
    lease_token = $5::bytea,
    suspect_token = null,
    suspect_fence = null,
    fingerprint = null,
    end_time = null,
    reason = null,
    end_digest = null,
    outcome = null,
    checkpoint = null,
    checkpoint_sequence = 0,
    checkpoint_time = null,
    evidence = case when k.end_time is not null and k.due <= h.now then '' else k.evidence end,
    external_ref = null,
    progress = null,
    audit_sequence = h.sequence
  from held h
  where k.tenant = $1::text
    and k.scope = $2::text
    and k.key = $3::text
  returning
    h.now as seen_at, k.tenant, k.scope, k.key,
    k.state, k.due, k.forget_at, k.has_waiters, k.attempt, k.fence, k.lease_token, k.claim_id, k.suspect_token,
    k.suspect_fence, k.fingerprint, k.fingerprint_algorithm, k.hold, k.max_attempts, k.max_execution_ms,
    k.result_retention_ms, k.tombstone_retention_ms, k.create_time, k.attempt_start_time, k.end_time, k.reason,
    k.end_digest, null::bytea as outcome, null::bytea as checkpoint, k.checkpoint_sequence, k.checkpoint_time, k.evidence,
    k.external_ref, k.progress,
    h.sequence as changed_sequence, h.attempt as attempt_before
), logged as (
  insert into holdfast.audit (
    sequence, time, actor, action, subject_kind, subject, tenant, reason, record_scope, record_key, detail
  )
  select
    c.changed_sequence, c.seen_at, $8::text, 'reset', 'record', c.tenant, c.tenant, $9::text, c.scope, c.key,
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
