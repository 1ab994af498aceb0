-- Refuses a schema in which somebody else may make objects, or has made one of ours: who calls the function would run what
-- is theirs, and so would the function, with its owner's rights. Runs nothing that it finds.
-- Run before what is installed and after it, with the search path set to pg_catalog and pg_temp.

do $$
declare
  me constant oid := (select r.oid from pg_roles r where r.rolname = current_user);
  other text;
  made record;
begin
  select case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end into other
  from pg_namespace n
  cross join aclexplode(n.nspacl) a
  where n.oid = '@schema@'::regnamespace
    and a.privilege_type = 'CREATE'
    and a.grantee not in (n.nspowner, me)
  order by a.grantee
  limit 1;
  if other is not null then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format(
        'others may create objects in the schema @schema@: revoke create on schema @schema@ from %s; or use a schema of its own',
        other
      );
  end if;

  select o.name, quote_ident(pg_get_userbyid(o.owner)) as owner into made
  from (
    select '@schema@.' || quote_ident(c.relname) as name, c.relowner as owner
    from pg_class c
    where c.relnamespace = '@schema@'::regnamespace and starts_with(c.relname::text, 'holdfast_')
    union all
    select
      '@schema@.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')',
      p.proowner
    from pg_proc p
    where p.pronamespace = '@schema@'::regnamespace and starts_with(p.proname::text, 'holdfast_')
  ) o
  where o.owner <> me
  order by o.name
  limit 1;
  if found then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format(
        '%s is there, and is owned by %s: install as that role if it is your own, or else drop it', made.name, made.owner
      );
  end if;
end
$$;
