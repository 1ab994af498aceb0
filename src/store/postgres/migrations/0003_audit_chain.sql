-- The audit log of each database also tells of records, and its lines are chained by hashes: whoever rewrites one has to
-- rewrite all that follow. Statements that insert lines need not know of it.
--
-- oldest-reader: 2

-- In the order in which changes take them. From here on nobody changes tenants, API keys or the log; who reads them goes
-- on: a tenant is looked up along with the head of the log, and a long log takes a while to chain.
lock table holdfast.audit_head, holdfast.audit in exclusive mode;

-- The hash of a line's fields after the hash `before`. Each field is its length in bytes, a colon and its text; null is a
-- minus sign.
create function holdfast.audit_link(before bytea, fields text[]) returns bytea
language sql stable set search_path = pg_catalog as $$
  select sha256(
    before || string_agg(
      convert_to(coalesce(octet_length(convert_to(f.field, 'UTF8')) || ':' || f.field, '-'), 'UTF8'),
      ''
      order by f.place
    )
  )
  from unnest(fields) with ordinality as f (field, place)
$$;

create aggregate holdfast.audit_links(text[]) (
  sfunc = holdfast.audit_link,
  stype = bytea,
  initcond = '\x0000000000000000000000000000000000000000000000000000000000000000'
);

-- The lines that there are, none of them about a record: as audit_hash below has them, with nothing in the last fields.
create table holdfast.audit_chained as
select
  a.sequence,
  holdfast.audit_links(
    array[
      'holdfast-audit-1', a.sequence::text, (extract(epoch from a.time) * 1000000)::bigint::text, a.actor, a.action,
      a.subject_kind, a.subject, a.tenant, a.reason, a.detail::text, null, null
    ]
  ) over (order by a.sequence) as hash
from holdfast.audit a;

analyze holdfast.audit_chained;

alter table holdfast.audit
  drop constraint audit_subject_kind_check,
  add constraint audit_subject_kind_check check (subject_kind in ('tenant', 'api-key', 'record')),
  add column record_scope text collate "C" check (octet_length(record_scope) between 1 and 128),
  add column record_key text collate "C" check (octet_length(record_key) between 1 and 512),
  add column salt bytea check (octet_length(salt) = 32),
  add column key_commitment bytea check (octet_length(key_commitment) = 32),
  add column hash bytea check (octet_length(hash) = 32),
  add constraint audit_record check (record_scope is null or (subject_kind = 'record' and tenant is not null)),
  add constraint audit_key check (key_commitment is null or record_scope is not null),
  add constraint audit_redacted check (
    (record_key is null) = (salt is null)
    and (record_key is null or key_commitment is not null)
  );

comment on column holdfast.audit.record_scope is
  'Of a change of records: of which scope; null: of every scope of the tenant.';
comment on column holdfast.audit.record_key is
  'Of a change of one record: its key. Null once redacted: a deletion request covers the log too.';
comment on column holdfast.audit.salt is
  'Without it nobody finds out by guessing whose key_commitment it is; so it goes with the key.';
comment on column holdfast.audit.key_commitment is
  'SHA-256 of the salt and the key. The hash covers it in the place of the key, so that redaction breaks no chain.';
comment on column holdfast.audit.hash is
  'SHA-256 of the hash of the line before, 32 zero bytes before the first, and of this line as audit_chain writes it.';

update holdfast.audit a
set hash = c.hash
from holdfast.audit_chained c
where c.sequence = a.sequence;

drop table holdfast.audit_chained;
drop aggregate holdfast.audit_links(text[]);

alter table holdfast.audit alter column hash set not null;

-- The hash of a line after one of the hash `before`. The order is that of src/domain/audit.ts, which checks it without this
-- function.
create function holdfast.audit_hash(before bytea, line holdfast.audit) returns bytea
language sql stable set search_path = pg_catalog as $$
  select holdfast.audit_link(
    before,
    array[
      'holdfast-audit-1',
      line.sequence::text,
      (extract(epoch from line.time) * 1000000)::bigint::text,
      line.actor,
      line.action,
      line.subject_kind,
      line.subject,
      line.tenant,
      line.reason,
      line.detail::text,
      line.record_scope,
      encode(line.key_commitment, 'hex')
    ]
  )
$$;

-- Also where new functions are nobody's by default: the trigger calls them for whoever inserts.
grant execute on function holdfast.audit_hash, holdfast.audit_link to public;

-- Chains a line. The salt is two random UUIDs, 244 bits from the generator that the server draws its own secrets from.
create function holdfast.audit_chain() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
  last record;
begin
  -- Whoever inserts holds this row already, or waits for it here: lines are written one after the other.
  select h.line, h.hash into strict last from holdfast.audit_head h where h.only_row for update;
  -- Lines of the same statement are there, and the head does not know them yet.
  select a.sequence as line, a.hash into last
  from (
    select last.line, last.hash
    union all
    (select a.sequence, a.hash from holdfast.audit a where a.sequence > last.line order by a.sequence desc limit 1)
  ) as a (sequence, hash)
  order by a.sequence desc
  limit 1;
  if new.sequence <= last.line then
    raise exception 'line % of the audit log comes after line %', new.sequence, last.line using
      errcode = 'check_violation';
  end if;
  new.salt := null;
  new.key_commitment := null;
  if new.record_key is not null then
    new.salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    new.key_commitment := sha256(new.salt || convert_to(new.record_key, 'UTF8'));
  end if;
  new.hash := holdfast.audit_hash(last.hash, new);
  return new;
end
$$;

-- Once for each statement: one transaction that writes thousands of lines must not leave thousands of versions of the
-- head, which each later line would have to go through.
create function holdfast.audit_end() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  update holdfast.audit_head h
  set line = a.sequence, hash = a.hash
  from (select a.sequence, a.hash from holdfast.audit a order by a.sequence desc limit 1) as a
  where h.only_row
    and h.line < a.sequence;
  return null;
end
$$;

create trigger audit_chain before insert on holdfast.audit
  for each row execute function holdfast.audit_chain();
create trigger audit_end after insert on holdfast.audit
  for each statement execute function holdfast.audit_end();

-- Append-only, but for one thing: the key of a record, and its salt, may be blotted out, both at once and for good.
create function holdfast.audit_keep() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
  redacted holdfast.audit;
begin
  if tg_op = 'UPDATE' then
    redacted := old;
    redacted.record_key := null;
    redacted.salt := null;
    -- By bytes: equal values may be written differently, and the hash is of what is written.
    if new *= redacted then
      return new;
    end if;
  end if;
  raise exception 'the audit log is append-only' using
    errcode = 'insufficient_privilege',
    hint = 'Only record_key and salt of a line may be changed: both to null.';
end
$$;

create trigger audit_keep before update or delete on holdfast.audit
  for each row execute function holdfast.audit_keep();
create trigger audit_keep_all before truncate on holdfast.audit
  for each statement execute function holdfast.audit_keep();

-- The lines that hold the key of a record, to be blotted out.
create index audit_keys on holdfast.audit (tenant, record_scope, record_key) where record_key is not null;
create index audit_tenant_lines on holdfast.audit (tenant, sequence);
-- What servers follow: lines about records tell them nothing, and may be many.
create index audit_registry_lines on holdfast.audit (sequence) where subject_kind <> 'record';

-- Last, for from here on until the commit tenants cannot be looked up.
--
-- A line does not follow from the line that is there before it, but from the last that was written: lines that were cut
-- off the end are missed by the next one.
alter table holdfast.audit_head
  add column line bigint not null default 0,
  add column hash bytea not null default decode(repeat('00', 32), 'hex') check (octet_length(hash) = 32),
  add constraint audit_head_line check (line between 0 and sequence);

comment on column holdfast.audit_head.line is
  'The number of the last line; 0: none. A number above it, and one between two lines, is of a change that was not made '
  'after all.';
comment on column holdfast.audit_head.hash is
  'Of the last line.';

update holdfast.audit_head h
set line = a.sequence, hash = a.hash
from (select a.sequence, a.hash from holdfast.audit a order by a.sequence desc limit 1) as a;
