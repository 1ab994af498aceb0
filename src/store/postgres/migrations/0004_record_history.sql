-- What happened to records that did not simply end with their first attempt; written by a trigger, so that it is kept
-- whichever statement makes a change, of whichever version of the server, or of somebody at psql. The usual way, a claim
-- whose attempt ends the record in time, and every heartbeat, pay for nothing but the trigger's condition.
--
-- oldest-reader: 2

alter table holdfast.record
  add column has_history boolean not null default false,
  add column fail_time timestamptz,
  add column reconciler bytea check (octet_length(reconciler) <= 32768),
  add column audit_sequence bigint check (audit_sequence > 0);

comment on column holdfast.record.has_history is
  'There are rows of it in record_event. Set by the trigger.';
comment on column holdfast.record.fail_time is
  'available: when the attempt failed, for record_event. A server of the version before does not say.';
comment on column holdfast.record.reconciler is
  'Encoded owner and metadata of the last claim to reconcile; for record_event. Null once the work is claimed again.';
comment on column holdfast.record.audit_sequence is
  'The number of the newest change by an operator in this database''s audit log; for record_event.';

create table holdfast.record_event (
  tenant text collate "C" not null,
  scope text collate "C" not null,
  key text collate "C" not null,
  sequence bigint not null check (sequence > 0),
  kind smallint not null check (kind between 1 and 13),
  time timestamptz not null check (isfinite(time)),
  attempt integer not null check (attempt >= 0),
  fence bigint not null check (fence > 0),
  evidence bytea not null,
  error bytea,
  late boolean not null,
  audit_sequence bigint,
  primary key (tenant, scope, key, sequence)
);

comment on table holdfast.record_event is
  'The newest 32 events of each record with has_history. Goes with its record.';
comment on column holdfast.record_event.kind is
  '1 claimed, 2 taken-over, 3 retried, 4 reconciling, 5 completed, 6 failed-retryable, 7 failed, 8 not-started, '
  '9 outcome-unknown, 10 attempts-used-up, 11 released, 12 resolved, 13 reset.';
comment on column holdfast.record_event.attempt is
  'The attempt that it was, or that it happened to.';
comment on column holdfast.record_event.fence is
  'The record''s afterwards.';
comment on column holdfast.record_event.evidence is
  'Encoded owner and metadata of the attempt, or of the reconciler. Empty once the record is.';
comment on column holdfast.record_event.error is
  'The encoded error that the attempt reported. Null once the record is emptied.';
comment on column holdfast.record_event.late is
  'The attempt''s lease was over already, or it had been given up on.';
comment on column holdfast.record_event.audit_sequence is
  'Of an operator''s change: its number in this database''s audit log.';

-- Whoever may use the records may use their events, from the moment this is committed: the triggers run as whoever makes
-- the change, and a server's role need not own the tables.
do $$
declare
  held record;
begin
  for held in
    select
      a.privilege_type as privilege,
      case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as grantee,
      case when a.is_grantable then ' with grant option' else '' end as further
    from pg_class c
    cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
    where c.oid = 'holdfast.record'::regclass
  loop
    execute format('grant %s on holdfast.record_event to %s%s', held.privilege, held.grantee, held.further);
  end loop;
end
$$;

-- What is left of the events of a record that is emptied: that they happened.
create function holdfast.empty_record_history(of_tenant text, of_scope text, of_key text) returns void
language sql set search_path = pg_catalog as $$
  update holdfast.record_event e set
    evidence = '',
    error = null
  where e.tenant = of_tenant
    and e.scope = of_scope
    and e.key = of_key
    and (e.evidence <> '' or e.error is not null)
$$;

-- Also where new functions are nobody's by default: a trigger calls it for whoever makes the change.
grant execute on function holdfast.empty_record_history to public;

-- The same as eventsOf in src/domain/history.ts; tests compare the two.
create function holdfast.record_history() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
  fenced constant boolean := new.fence <> old.fence;
  ended constant boolean := new.state in (3, 4);
  by_suspect constant boolean := ended and new.suspect_token is not null;
  -- Without a digest nobody reported anything: attempts were found used up.
  reported constant boolean := not fenced and new.end_digest is not null;
  event holdfast.record_event;
  newest bigint;
begin
  event.tenant := new.tenant;
  event.scope := new.scope;
  event.key := new.key;
  event.fence := new.fence;
  event.late := false;

  -- A forgotten record is claimed anew: its history is forgotten with it.
  if fenced and new.state = 1 and old.forget_at <= new.attempt_start_time then
    if old.has_history then
      delete from holdfast.record_event e
      where e.tenant = old.tenant and e.scope = old.scope and e.key = old.key;
    end if;
    new.has_history := false;
    new.fail_time := null;
    new.reconciler := null;
    return new;
  end if;

  -- An expired record is reset: whether or not the sweeper came, there is nothing left to tell of what it held.
  if fenced and new.fingerprint is null and old.end_time is not null and old.due <= new.due then
    old.outcome := null;
    old.evidence := '';
    new.reconciler := null;
    if old.has_history then
      perform holdfast.empty_record_history(old.tenant, old.scope, old.key);
    end if;
  end if;

  if fenced and new.state = 1 then
    new.fail_time := null;
    if new.suspect_token is null then
      new.reconciler := null;
    end if;
    event.kind := case
      when new.suspect_token is not null then 4
      when old.fingerprint is null then 1
      when old.state = 1 then 2
      else 3
    end;
    event.time := new.attempt_start_time;
    event.attempt := new.attempt;
    event.evidence := case when new.suspect_token is null then new.evidence else coalesce(new.reconciler, '') end;
  elsif fenced then
    event.kind := case
      when new.fingerprint is null then 13
      when new.state = 5 then 11
      when new.state = 2 and old.state = 1 and not old.hold and old.suspect_token is null then 11
      else 12
    end;
    event.time := coalesce(new.end_time, new.due);
    event.attempt := old.attempt;
    event.evidence := case
      when event.kind = 11 and old.state = 1 and old.suspect_token is not null then coalesce(old.reconciler, '')
      else old.evidence
    end;
    event.error := case when event.kind = 12 and new.state = 4 then new.outcome end;
    event.audit_sequence := case
      when new.audit_sequence is distinct from old.audit_sequence then new.audit_sequence
    end;
  else
    event.kind := case
      when new.state = 3 then 5
      when new.state = 5 then 9
      when new.state = 4 and new.reason = 4 then 10
      when new.state = 4 then 7
      when new.attempt < old.attempt then 8
      else 6
    end;
    event.time := case
      when ended then new.end_time
      when new.state = 5 then new.due
      -- A server of the version before does not say.
      when new.fail_time is distinct from old.fail_time then coalesce(new.fail_time, clock_timestamp())
      else clock_timestamp()
    end;
    event.attempt := old.attempt;
    event.evidence := case
      when old.suspect_token is not null and not by_suspect then coalesce(old.reconciler, '')
      else old.evidence
    end;
    event.error := case when reported and new.state <> 3 then new.outcome end;
    event.late := reported and (old.state = 5 or old.due <= event.time or by_suspect);
  end if;

  if old.has_history then
    select max(e.sequence) into newest
    from holdfast.record_event e
    where e.tenant = old.tenant and e.scope = old.scope and e.key = old.key;
  end if;
  newest := coalesce(newest, 0);

  -- What the record told by itself until now. An unbound one had told of its reset already.
  if not old.has_history and old.fingerprint is not null then
    newest := newest + 1;
    insert into holdfast.record_event (tenant, scope, key, sequence, kind, time, attempt, fence, evidence, late)
    values (
      old.tenant, old.scope, old.key, newest, 1, old.attempt_start_time, old.attempt, old.fence, old.evidence, false
    );
    if old.end_time is not null then
      newest := newest + 1;
      insert into holdfast.record_event (tenant, scope, key, sequence, kind, time, attempt, fence, evidence, error, late)
      values (
        old.tenant, old.scope, old.key, newest, case when old.state = 3 then 5 when old.reason = 4 then 10 else 7 end,
        old.end_time, old.attempt, old.fence, old.evidence, case when old.state = 4 then old.outcome end, false
      );
    end if;
  end if;

  event.sequence := newest + 1;
  insert into holdfast.record_event values (event.*);
  -- EVENTS_KEPT: somebody who retries every second must not fill the disk.
  if event.sequence > 32 then
    delete from holdfast.record_event e
    where e.tenant = old.tenant and e.scope = old.scope and e.key = old.key and e.sequence <= event.sequence - 32;
  end if;
  new.has_history := true;
  return new;
end
$$;

-- False for heartbeats, reattached claims, flags and the sweeper's emptying, and for an end in time of a record without
-- history, by the attempt that claimed it. Whoever reports an unknown outcome once more changes the digest alone.
create trigger record_history before update on holdfast.record
  for each row
  when (
    new.fence <> old.fence
    or (new.state = 5 and old.state = 5 and new.end_digest is distinct from old.end_digest)
    or (
      new.state <> old.state
      and not (
        not old.has_history
        and old.state = 1
        and (new.state = 3 or (new.state = 4 and new.reason <> 4))
        and old.due > new.end_time
        and new.suspect_token is null
        and old.suspect_token is null
      )
    )
  )
  execute function holdfast.record_history();

create function holdfast.record_history_empties() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  new.reconciler := null;
  perform holdfast.empty_record_history(old.tenant, old.scope, old.key);
  return new;
end
$$;

-- The sweeper, of whichever version of the server, empties an ended record and sets the date for which it comes again. No
-- other change of an ended record moves that date and leaves it ended.
create trigger record_history_empties before update of sweep_at on holdfast.record
  for each row
  when (old.has_history and old.end_time is not null and new.end_time is not null and new.sweep_at > old.sweep_at)
  execute function holdfast.record_history_empties();

create function holdfast.record_history_ends() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  delete from holdfast.record_event e
  where e.tenant = old.tenant and e.scope = old.scope and e.key = old.key;
  return null;
end
$$;

create trigger record_history_ends after delete on holdfast.record
  for each row
  when (old.has_history)
  execute function holdfast.record_history_ends();
