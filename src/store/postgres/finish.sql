-- Complete and every kind of fail: ends attempts whose token and fence are the record's, live or lapsed, or the
-- suspect's if the record ends. Returns what it ended.
--
--  $1 tenant text[]             $2 scope text[]          $3 key text[]
--  $4 token bytea[]             $5 fence bigint[]
--  $6 state smallint[]: 2 available, 3 completed, 4 failed, 5 outcome-unknown
--  $7 not_started boolean[]: the attempt is not counted
--  $8 delay_ms bigint[]: until it is claimable again; no longer than the result retention, or the row is left alone
--  $9 outcome bytea[]          $10 digest bytea[]
-- $11 checkpoint bytea[]       $12 checkpoint_sequence bigint[]
-- $13 only_if_due timestamptz[]: null, or the very end of the lease that a give-back was granted
-- $14 as_of timestamptz: null for the database's clock
--
-- The arrays are sorted by the bytes of the key and name each key once: locks are taken in that order. The time is read
-- after the lock, and only says when it ended and whether that was late; it never refuses.
with call as materialized (
  select *
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::smallint[], $7::boolean[], $8::bigint[],
    $9::bytea[], $10::bytea[], $11::bytea[], $12::bigint[], $13::timestamptz[]
  ) with ordinality as c (
    tenant, scope, key, token, fence, wanted_state, not_started, delay_ms, outcome, digest, checkpoint, sequence,
    only_if_due, i
  )
), held as materialized (
  select
    c.*,
    k.*,
    k.used_up and c.wanted_state = 2 and not c.not_started as fails,
    coalesce($14::timestamptz, clock_timestamp()) as held_at
  from call c
  cross join lateral (
    select
      k.state as state_before,
      k.due as due_before,
      k.max_attempts > 0 and k.attempt >= k.max_attempts as used_up,
      k.fence <> c.fence or k.lease_token <> c.token as by_suspect
    from holdfast.record k
    where k.tenant = c.tenant
      and k.scope = c.scope
      and k.key = c.key
      and k.state in (1, 5)
      and (
        (
          k.fence = c.fence
          and k.lease_token = c.token
          and (c.only_if_due is null or (k.state = 1 and k.due = c.only_if_due))
          and (c.wanted_state <> 2 or c.delay_ms <= k.result_retention_ms)
        )
        or (k.suspect_fence = c.fence and k.suspect_token = c.token and c.wanted_state in (3, 4))
      )
    limit 1
    for no key update
  ) k
), ending as not materialized (
  select
    h.*,
    case when h.fails then 4 else h.wanted_state end as next_state,
    case when h.fails then 4 when h.wanted_state in (4, 5) then 2 end as next_reason,
    h.fails or h.wanted_state in (3, 4) as ends
  from held h
)
update holdfast.record k set
  state = e.next_state,
  due = e.held_at + interval '1 ms' * case
    when e.ends then k.result_retention_ms
    when e.next_state = 2 then e.delay_ms
    else 0
  end,
  forget_at = case
    when e.ends then e.held_at + (k.result_retention_ms + k.tombstone_retention_ms) * interval '1 ms'
    else 'infinity'
  end,
  sweep_at = case when e.ends then e.held_at + k.result_retention_ms * interval '1 ms' else 'infinity' end,
  attempt = k.attempt - case when e.not_started then 1 else 0 end,
  -- Stays while the outcome is unknown, and if the suspect ended the record, so that its repeat is recognised.
  suspect_token = case when e.next_state = 5 or e.by_suspect then k.suspect_token end,
  suspect_fence = case when e.next_state = 5 or e.by_suspect then k.suspect_fence end,
  end_time = case when e.ends then e.held_at end,
  reason = e.next_reason,
  end_digest = e.digest,
  outcome = e.outcome,
  fail_time = case when e.next_state = 2 then e.held_at end,
  checkpoint = case when e.sequence > k.checkpoint_sequence then e.checkpoint else k.checkpoint end,
  checkpoint_sequence = greatest(k.checkpoint_sequence, e.sequence),
  checkpoint_time = case when e.sequence > k.checkpoint_sequence then e.held_at else k.checkpoint_time end
from ending e
where k.tenant = e.tenant
  and k.scope = e.scope
  and k.key = e.key
returning
  record_send(row(
    e.i, k.tenant, k.scope, k.key, k.state, k.due, k.has_waiters,
    e.state_before = 5 or e.due_before <= e.held_at or e.by_suspect,
    e.held_at
  )) as call
