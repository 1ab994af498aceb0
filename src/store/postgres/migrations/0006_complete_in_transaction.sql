-- A completion within a transaction of the caller's own, for those whose tables are in this database: it commits or rolls
-- back with what else they write. docs/in-your-transaction.md has how it is used, and who may be let do so.
--
-- oldest-reader: 2

-- The statement of src/store/postgres/finish.sql, letter by letter, as a test sees to: a change of that file is a migration
-- that replaces this function. The planner's settings are those of the servers' sessions.
create function holdfast.finish(
  text[], text[], text[], bytea[], bigint[], smallint[], boolean[], bigint[], bytea[], bytea[], bytea[], bigint[],
  timestamptz[], timestamptz
) returns setof bytea language sql
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_mergejoin = off
  set jit = off
as $finish$
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
$finish$;

-- What became of one completion; refusal is null, or the reason. Why a call was left alone is decided as decideFinish in
-- src/domain/reducer/finish.ts does; tests compare the two. as_of is null for the database's clock.
create function holdfast.complete_record(
  of_tenant text,
  of_scope text,
  of_key text,
  of_token bytea,
  of_fence bigint,
  result bytea,
  digest bytea,
  as_of timestamptz,
  out already_applied boolean,
  out late boolean,
  out has_waiters boolean,
  out due timestamptz,
  out ended_at timestamptz,
  out refusal text
) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  packed bytea;
  k holdfast.record;
  by_suspect boolean;
  is_repeat boolean;
begin
  already_applied := false;
  late := false;
  for round in 1..3 loop
    packed := (
      select f.call
      from holdfast.finish(
        array[of_tenant], array[of_scope], array[of_key], array[of_token], array[of_fence], array[3::smallint],
        array[false], array[0::bigint], array[result], array[digest], array[null::bytea], array[null::bigint],
        array[null::timestamptz], as_of
      ) as f (call)
    );

    -- With a snapshot of its own, where the transaction's isolation has one for each statement. Where it has one for all,
    -- a record that was changed since must not be judged by what it was: locking it is refused then, with 40001.
    if packed is null and current_setting('transaction_isolation') <> 'read committed' then
      perform from holdfast.record r
      where r.tenant = of_tenant and r.scope = of_scope and r.key = of_key
      for share;
    end if;
    select r.* into k
    from holdfast.record r
    where r.tenant = of_tenant and r.scope = of_scope and r.key = of_key;
    ended_at := coalesce(as_of, clock_timestamp());
    has_waiters := k.has_waiters;
    due := k.due;

    if packed is not null then
      ended_at := k.end_time;
      -- Its last columns are the waiters' flag, late, and the time, of 9, 9 and 16 bytes.
      late := get_byte(packed, length(packed) - 17) = 1;
      return;
    end if;
    if k.key is null or k.forget_at <= ended_at then
      refusal := 'RECORD_NOT_FOUND';
      return;
    end if;
    by_suspect := coalesce(k.suspect_fence = of_fence and k.suspect_token = of_token, false);
    is_repeat := coalesce(k.end_digest = digest, false);
    if not by_suspect then
      refusal := case
        when of_fence < k.fence then 'LEASE_SUPERSEDED'
        when of_fence > k.fence or of_token <> k.lease_token then 'LEASE_TOKEN_INVALID'
        when k.state in (3, 4) and not is_repeat and k.suspect_token is not null then 'LEASE_SUPERSEDED'
        when k.state = 2 and not is_repeat then 'INVALID_STATE'
      end;
      if refusal is not null then
        return;
      end if;
    end if;
    if k.state in (3, 4) or (k.state = 2 and not by_suspect) then
      already_applied := is_repeat;
      refusal := case when not is_repeat then 'RESULT_CONFLICT' end;
      return;
    end if;
    -- It would be accepted by now: somebody had changed it in between.
  end loop;
  refusal := 'STORE_UNAVAILABLE';
end
$$;

-- A number as protobuf has it: seven bits in each byte, the lowest first.
create function holdfast.varint(number integer) returns bytea
language sql immutable strict set search_path = pg_catalog, pg_temp as $$
  select case
    when number < 128 then set_byte('\x00', 0, number)
    when number < 16384 then set_byte(set_byte('\x0000', 0, number % 128 + 128), 1, number / 128)
    else set_byte(
      set_byte(set_byte('\x000000', 0, number % 128 + 128), 1, number / 128 % 128 + 128), 2, number / 16384
    )
  end
$$;

-- A holdfast.v1.Result with its body inline, as the servers store it: both may say that a call was a repeat.
create function holdfast.encode_result(body bytea, content_type text) returns bytea
language sql immutable strict set search_path = pg_catalog, pg_temp as $$
  select '\x0a'::bytea || holdfast.varint(length(body)) || body || case
    when content_type collate "C" = '' then ''::bytea
    else '\x22'::bytea || holdfast.varint(octet_length(content_type)) || convert_to(content_type, 'UTF8')
  end
$$;

-- As wakeId in src/waiting/wake-id.ts: by this the servers' waiters know their record.
create function holdfast.wake_id(tenant text, scope text, key text) returns text
language sql immutable strict set search_path = pg_catalog, pg_temp as $$
  select translate(encode(substring(sha256(string_agg(
    convert_to(octet_length(part) || ':' || part, 'UTF8'), ''::bytea order by i
  )) from 1 for 12), 'base64'), '+/', '-_')
  from unnest(array['holdfast.wake.1', tenant, scope, key]) with ordinality as p (part, i)
$$;

-- Completes an attempt as the RPC Complete does, with a result of bytes. Raises, with the SQLSTATE of class LF that
-- docs/in-your-transaction.md lists, what Complete answers as an error.
--
-- NOTIFY is a part of the transaction, so whoever waits is woken when it commits and not before. It makes such commits
-- wait for one another, hence only where somebody waits; the servers, which have many in a batch, send theirs afterwards.
--
-- A repeat is refused: the caller has written its own rows once more. Unless it is this very transaction that has ended the
-- attempt, which a setting of the transaction says: a rollback to a savepoint takes both back.
--
-- Texts are compared byte by byte, whatever the collation of what they are taken from.
create function holdfast.complete_in_transaction(
  tenant text,
  scope text,
  key text,
  token bytea,
  fence bigint,
  result bytea,
  content_type text default 'application/json',
  out already_applied boolean,
  out late boolean,
  out result_expire_time timestamptz
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asked constant text collate "C" := case
    when complete_in_transaction.tenant is null then 'tenant'
    when complete_in_transaction.scope is null then 'scope'
    when complete_in_transaction.key is null then 'key'
    when token is null or length(token) <> 16 then 'token'
    when fence is null or fence <= 0 then 'fence'
    when result is null then 'result'
    when content_type is null or octet_length(content_type) > 256 then 'content_type'
  end;
  is_encrypted boolean;
  stored bytea;
  done record;
  ended_here constant text collate "C" := coalesce(current_setting('holdfast.ended_here', true), '');
begin
  if asked is not null then
    raise exception using
      errcode = 'LF007',
      message = format('FIELD_INVALID: %s %s', asked, case asked
        when 'token' then 'must be the 16 bytes of the lease''s token'
        when 'fence' then 'must be the lease''s, which is above 0'
        when 'content_type' then 'must be a media type of at most 256 bytes'
        when 'result' then 'must not be null: no bytes, ''''::bytea, stand for a result of nothing'
        else 'must not be null' end);
  end if;
  if length(result) > 1048576 then
    raise exception using
      errcode = 'LF006',
      message = format('RESULT_TOO_LARGE: the result has %s bytes, and 1048576 is the limit', length(result)),
      hint = 'The lease is kept. Keep the bytes in a table of yours, and complete with what names them.';
  end if;

  select t.encrypted into is_encrypted from holdfast.tenant t where t.id = complete_in_transaction.tenant collate "C";
  if is_encrypted is null then
    raise exception using
      errcode = 'LF008',
      message = 'TENANT_NOT_FOUND: there is no such tenant in this database',
      hint = 'Tenants are registered in the main database; only those whose records are there too can be completed so.';
  end if;
  if is_encrypted then
    raise exception using
      errcode = 'LF009',
      message = 'TENANT_ENCRYPTED: the database cannot encrypt what this tenant stores',
      hint = 'The lease is kept. Complete through a server, after the commit.';
  end if;

  stored := holdfast.encode_result(result, content_type);
  -- The digest is that of src/operations/end-digest.ts: a completion, something in it, no delay.
  done := holdfast.complete_record(
    complete_in_transaction.tenant collate "C", complete_in_transaction.scope collate "C",
    complete_in_transaction.key collate "C", token, fence, stored,
    sha256('\x01010000000000000000'::bytea || stored), null
  );
  if done.refusal is not null then
    raise exception using
      errcode = case done.refusal
        when 'LEASE_SUPERSEDED' then 'LF001'
        when 'LEASE_TOKEN_INVALID' then 'LF002'
        when 'RESULT_CONFLICT' then 'LF003'
        when 'INVALID_STATE' then 'LF004'
        when 'RECORD_NOT_FOUND' then 'LF005'
        else '40001'
      end,
      message = done.refusal || ': ' || case done.refusal
        when 'LEASE_SUPERSEDED' then 'another attempt has begun, or somebody has ended this one'
        when 'LEASE_TOKEN_INVALID' then 'token and fence are not those of the record''s lease'
        when 'RESULT_CONFLICT' then 'the record has ended, and not with this'
        when 'INVALID_STATE' then 'the attempt has ended without a result'
        when 'RECORD_NOT_FOUND' then 'there is no such record'
        else 'the record was changed again and again meanwhile'
      end,
      hint = case
        when done.refusal = 'STORE_UNAVAILABLE' then 'Run the transaction again.'
        when done.refusal = 'RECORD_NOT_FOUND' and current_setting('transaction_isolation') <> 'read committed' then
          'This transaction sees what was there when it began: claim before its first statement.'
        else 'Roll back: what this transaction has written is not to be.'
      end;
  end if;

  if done.already_applied and strpos(ended_here, encode(token, 'hex')) = 0 then
    raise exception using
      errcode = 'LF010',
      message = 'ALREADY_APPLIED: this attempt was completed before, with the same result, and not by this transaction',
      hint = 'Roll back: the first completion stands, with what was committed with it.';
  end if;
  if not done.already_applied then
    perform set_config('holdfast.ended_here', ended_here || ' ' || encode(token, 'hex'), true);
  end if;

  -- A result that was acknowledged is not lost in a crash, so this commit waits for the disk, and for the standby if there
  -- is a synchronous one, whatever others do here.
  if current_setting('synchronous_commit') in ('off', 'local', 'remote_write') then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  -- The record is locked until the commit, and calls of others that a server sends with this one's are held up.
  if current_setting('idle_in_transaction_session_timeout')::interval not between interval '1 ms' and interval '5 s' then
    perform set_config('idle_in_transaction_session_timeout', '5000', true);
  end if;
  if done.has_waiters then
    perform pg_notify('holdfast', holdfast.wake_id(
      complete_in_transaction.tenant collate "C", complete_in_transaction.scope collate "C",
      complete_in_transaction.key collate "C"
    ));
  end if;
  already_applied := done.already_applied;
  late := done.late;
  result_expire_time := done.due;
end
$$;

comment on function holdfast.complete_in_transaction is
  'Completes an attempt within the caller''s own transaction. Nobody may execute it but whom it is granted to.';

-- The last one is for whom an operator grants it to, and the others for nobody but it.
revoke all on function
  holdfast.finish, holdfast.complete_record, holdfast.varint, holdfast.encode_result, holdfast.wake_id,
  holdfast.complete_in_transaction
from public;

-- It acts with the rights of its owner, and those of the tables' owner are enough.
do $$
declare
  owner constant text := (
    select quote_ident(pg_get_userbyid(c.relowner)) from pg_class c where c.oid = 'holdfast.record'::regclass
  );
  made regprocedure;
begin
  if owner = quote_ident(current_user) then
    return;
  end if;
  for made in
    select p.oid::regprocedure
    from pg_proc p
    where p.pronamespace = 'holdfast'::regnamespace
      and p.proname in ('finish', 'complete_record', 'varint', 'encode_result', 'wake_id', 'complete_in_transaction')
  loop
    execute format('alter function %s owner to %s', made, owner);
  end loop;
end
$$;
