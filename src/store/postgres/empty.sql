-- Sweeper: drops what an ended record holds once its result end has passed; the tombstone stays. What its history holds
-- goes by the trigger record_history_empties. Rows that somebody else holds are left for the next pass.
--
-- $1 limit int
-- $2 as_of timestamptz: null for the database's clock
-- $3 up_to timestamptz: whatever the clock shows, nothing that was not due by then; null for no such bound
--
-- `held_content` counts those that held anything; the others only get their next date.
with moment as materialized (
  -- Of nulls, least takes no notice.
  select least(coalesce($2::timestamptz, clock_timestamp()), $3::timestamptz) as now
), over as materialized (
  select
    k.tenant, k.scope, k.key,
    k.outcome is not null or k.checkpoint is not null or k.progress is not null or k.external_ref is not null
      or k.evidence <> ''
      or k.has_history and coalesce((
        select true
        from holdfast.record_event e
        where e.tenant = k.tenant
          and e.scope = k.scope
          and e.key = k.key
          and (e.evidence <> '' or e.error is not null)
        limit 1
      ), false) as held_content
  from holdfast.record k
  where k.end_time is not null
    and k.sweep_at <= (select m.now from moment m)
    and k.forget_at > (select m.now from moment m)
  order by k.sweep_at
  limit $1::int
  for no key update skip locked
), emptied as (
  update holdfast.record k set
    sweep_at = k.forget_at,
    outcome = null,
    checkpoint = null,
    checkpoint_time = null,
    progress = null,
    external_ref = null,
    evidence = ''
  from over o
  where k.tenant = o.tenant
    and k.scope = o.scope
    and k.key = o.key
  returning o.held_content
)
select count(*) filter (where held_content) as rows from emptied
