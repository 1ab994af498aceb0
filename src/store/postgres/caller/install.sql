-- The fence of an application's own database, which need not be Holdfast's: refuses an attempt that another has succeeded.
-- Every name is written out with its schema, so what others make there is not found in place of what is meant. Run with
-- the search path set to pg_catalog and pg_temp.
-- Of several statements, and in one transaction; the same again changes nothing.

-- The version is read, and never called: a function is code of whoever wrote it.
do $$
declare
  source text;
  installed integer;
begin
  select p.prosrc into source from pg_proc p where p.oid = to_regprocedure('@schema@.holdfast_sql_version()');
  if not found then
    return;
  end if;
  installed := substring(source from '^select ([0-9]{1,9})$');
  if installed is null then
    raise exception using
      errcode = 'object_not_in_prerequisite_state',
      message = '@schema@.holdfast_sql_version() is not what a holdfast has installed: drop it, or use another schema';
  end if;
  if installed > 1 then
    raise exception using
      errcode = 'object_not_in_prerequisite_state',
      message = format('version %s is installed here, and this holdfast has version 1: use a newer holdfast', installed);
  end if;
end
$$;

create table if not exists @schema@.holdfast_fences (
  resource text collate "C" primary key check (octet_length(resource) between 1 and 1024),
  fence bigint not null check (fence > 0)
) with (fillfactor = 70);

comment on table @schema@.holdfast_fences is
  'The highest fence that holdfast_fence() was called with, for each resource. Written by that function only.';

-- Called first in the transaction that writes, with the attempt's fence. The row stays locked until that ends: an attempt
-- that comes meanwhile waits, and goes by what has been committed. An older attempt is refused, the same one passes again.
create or replace function @schema@.holdfast_fence(resource text, fence bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  highest bigint;
begin
  if resource is null or octet_length(resource) not between 1 and 1024 then
    raise exception using
      errcode = 'LF007',
      message = 'FIELD_INVALID: resource must be a text of 1 to 1024 bytes';
  end if;
  if fence is null or fence <= 0 then
    raise exception using
      errcode = 'LF007',
      message = 'FIELD_INVALID: fence must be the attempt''s, which is above 0';
  end if;
  -- What is not higher is locked all the same, and not written.
  insert into @schema@.holdfast_fences as held (resource, fence)
  values (holdfast_fence.resource collate "C", holdfast_fence.fence)
  on conflict on constraint holdfast_fences_pkey do update set
    fence = excluded.fence
  where held.fence < excluded.fence;
  if found then
    return;
  end if;
  select f.fence into highest from @schema@.holdfast_fences f where f.resource = holdfast_fence.resource collate "C";
  if highest > holdfast_fence.fence then
    raise exception using
      errcode = 'LF001',
      message = format('LEASE_SUPERSEDED: fence %s was here before fence %s', highest, holdfast_fence.fence),
      hint = 'Another attempt has begun: roll back, and do nothing more.';
  end if;
end
$$;

comment on function @schema@.holdfast_fence(text, bigint) is
  'Refuses, with SQLSTATE LF001, an attempt that is older than one which has called this for the same resource.';

create or replace function @schema@.holdfast_sql_version() returns integer language sql immutable as 'select 1';

revoke all on table @schema@.holdfast_fences from public;
revoke all on function @schema@.holdfast_fence(text, bigint) from public;
