-- What ten million records have shown (docs/decisions/0013-table-layout.md). Nothing is rewritten: the settings are of the
-- vacuums to come, the compression of the values to come.
--
-- oldest-reader: 2

-- A vacuum reads every index from end to end, however little it finds. After a fiftieth of ten million records had
-- changed, it cost as much as what had changed them. Where somebody has set another share, that stands.
do $$
declare
  former constant text[] := array['autovacuum_vacuum_scale_factor=0.02', 'autovacuum_analyze_scale_factor=0.05'];
  options constant text[] := (select c.reloptions from pg_class c where c.oid = 'holdfast.record'::regclass);
begin
  if former[1] = any (options) then
    alter table holdfast.record set (autovacuum_vacuum_scale_factor = 0.1);
  end if;
  if former[2] = any (options) then
    alter table holdfast.record set (autovacuum_analyze_scale_factor = 0.1);
  end if;
end
$$;

-- Results of more than 2 kB are compressed, which takes longer than all the rest of a completion does; lz4 takes a
-- fraction of that, for the same size. Not every build of Postgres has it.
do $$
begin
  if exists (
    select from pg_settings s where s.name = 'default_toast_compression' and 'lz4' = any (s.enumvals)
  ) then
    alter table holdfast.record
      alter column outcome set compression lz4,
      alter column checkpoint set compression lz4;
    alter table holdfast.record_event
      alter column error set compression lz4;
  end if;
end
$$;
