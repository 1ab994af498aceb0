-- Records, the floor under their fences, tenants.
-- Codes: state 1 in-progress · 2 available · 3 completed · 4 failed · 5 outcome-unknown
--        reason 1 lease-expired · 2 reported · 3 store-restored · 4 max-attempts · 5 resolved

create schema if not exists holdfast;

-- One row per record: (tenant, scope, key), compared byte by byte, hence COLLATE "C".
-- Every state change is one statement guarded by state, token and fence; the clock of this database alone decides.
create table holdfast.record (
  tenant text collate "C" not null check (octet_length(tenant) between 1 and 63),
  scope text collate "C" not null check (octet_length(scope) between 1 and 128),
  key text collate "C" not null check (octet_length(key) between 1 and 512),
  state smallint not null check (state between 1 and 5),
  due timestamptz not null check (isfinite(due)),
  forget_at timestamptz not null default 'infinity',
  sweep_at timestamptz not null default 'infinity',
  has_waiters boolean not null default false,
  attempt integer not null check (attempt >= 0),
  fence bigint not null check (fence > 0),
  lease_token bytea not null check (octet_length(lease_token) = 16),
  claim_id text collate "C" not null check (octet_length(claim_id) between 1 and 64),
  suspect_token bytea check (octet_length(suspect_token) = 16),
  suspect_fence bigint check (suspect_fence > 0),
  fingerprint bytea check (octet_length(fingerprint) <= 64),
  fingerprint_algorithm text not null check (octet_length(fingerprint_algorithm) <= 32),
  hold boolean not null,
  max_attempts integer not null check (max_attempts >= 0),
  max_execution_ms bigint check (max_execution_ms > 0),
  result_retention_ms bigint not null check (result_retention_ms >= 0),
  tombstone_retention_ms bigint not null check (tombstone_retention_ms >= 0),
  create_time timestamptz not null,
  attempt_start_time timestamptz not null,
  end_time timestamptz,
  reason smallint check (reason between 1 and 5),
  end_digest bytea,
  outcome bytea check (octet_length(outcome) <= 1310720),
  checkpoint bytea check (octet_length(checkpoint) <= 131072),
  checkpoint_sequence bigint not null default 0 check (checkpoint_sequence >= 0),
  checkpoint_time timestamptz,
  evidence bytea not null check (octet_length(evidence) <= 32768),
  external_ref text check (octet_length(external_ref) <= 256),
  progress bytea check (octet_length(progress) <= 4096),
  primary key (tenant, scope, key),
  constraint record_ended check (
    (state in (3, 4)) = (end_time is not null)
    and (state in (3, 4)) = (forget_at < 'infinity')
    and (state in (3, 4)) = (sweep_at < 'infinity')
  ),
  constraint record_suspect check ((suspect_token is null) = (suspect_fence is null)),
  constraint record_reason check (
    (reason is not null) = (state in (4, 5) or (state = 1 and suspect_token is not null))
  ),
  constraint record_unbound check (fingerprint is not null or (state = 2 and attempt = 0)),
  constraint record_checkpoint check (checkpoint is null or (checkpoint_sequence > 0 and checkpoint_time is not null))
) with (
  -- Room on the page, so that heartbeats and ends are heap-only updates where no index forbids it.
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 1,
  autovacuum_analyze_scale_factor = 0.05
);

comment on table holdfast.record is
  'One row per record: tenant, scope and key. Written by the statements of the Holdfast server only.';
comment on column holdfast.record.state is
  '1 in-progress, 2 available, 3 completed, 4 failed, 5 outcome-unknown.';
comment on column holdfast.record.due is
  'in-progress: end of the lease. available: claimable from. ended: end of the result. outcome-unknown: since when.';
comment on column holdfast.record.forget_at is
  'Ended: end of the tombstone. Infinity while open: nothing unfinished is forgotten by time.';
comment on column holdfast.record.sweep_at is
  'Ended: when the sweeper has to come next, first at the end of the result, then at the end of the tombstone.';
comment on column holdfast.record.has_waiters is
  'Somebody waits for a change; whoever makes one has to wake them.';
comment on column holdfast.record.attempt is
  'Counts attempts of the work; a reconciler''s lease counts none.';
comment on column holdfast.record.fence is
  'Orders attempts: rises over takeover, expiry, purge and re-creation, also when the clock steps back.';
comment on column holdfast.record.lease_token is
  'Proves the newest attempt.';
comment on column holdfast.record.claim_id is
  'The newest attempt''s: the same id again is the same claim, sent twice.';
comment on column holdfast.record.suspect_token is
  'The attempt that a reconciler looks into, or that an operator cut off: its complete and terminal fail still count. '
  'Kept on an ended record if the suspect ended it, so that its repeat is recognised.';
comment on column holdfast.record.fingerprint is
  'Null: unbound by a reset, the next claim is a first claim. Empty: the claim carried none.';
comment on column holdfast.record.hold is
  'A lease that is over means outcome-unknown instead of claimable.';
comment on column holdfast.record.max_attempts is
  '0: no limit.';
comment on column holdfast.record.max_execution_ms is
  'No lease of an attempt reaches further past its start. Null: no limit.';
comment on column holdfast.record.result_retention_ms is
  'Counted from the end.';
comment on column holdfast.record.tombstone_retention_ms is
  'Counted from the end of the result.';
comment on column holdfast.record.create_time is
  'Of the first claim; changes only when a forgotten or reset record is claimed again, or an index would forbid '
  'heap-only updates.';
comment on column holdfast.record.reason is
  'Why failed, why outcome-unknown: 1 lease-expired, 2 reported, 3 store-restored, 4 max-attempts, 5 resolved.';
comment on column holdfast.record.end_digest is
  'Over everything that the call which ended the last attempt said; null when no call did.';
comment on column holdfast.record.outcome is
  'completed: the encoded result. Otherwise: the encoded error of the last call that ended an attempt. '
  'Null once the result end has passed and the sweeper came.';
comment on column holdfast.record.checkpoint_sequence is
  'Only ever rises within a record; 0: no checkpoint yet.';
comment on column holdfast.record.checkpoint_time is
  'When the checkpoint was stored.';
comment on column holdfast.record.evidence is
  'Encoded owner and metadata of the newest attempt; empty once the result end has passed and the sweeper came.';

-- The predicates name end_time, which no hot statement mentions: with a predicate on state the planner takes these
-- indexes for the hot statements. No column that a heartbeat changes is in any index: heartbeats stay heap-only.
create index record_open on holdfast.record (tenant, create_time) where end_time is null;
create index record_sweep on holdfast.record (sweep_at) where end_time is not null;

-- The highest fence of any record that was deleted: a record created anew lies above it.
create table holdfast.fence_floor (
  fence bigint not null check (fence >= 0),
  only_row boolean primary key default true check (only_row)
);

insert into holdfast.fence_floor (fence) values (0);

create table holdfast.tenant (
  id text collate "C" primary key check (id ~ '^[a-z0-9-]{1,63}$'),
  display_name text not null default '' check (octet_length(display_name) <= 256)
);

comment on table holdfast.tenant is
  'Who may be named in a call. Records of a tenant that is deleted stay until they are purged.';

-- A host names at most one tenant: the key makes a collision an error, never a silent takeover.
create table holdfast.tenant_host (
  host text collate "C" primary key check (host = lower(host) and octet_length(host) between 1 and 253),
  tenant text collate "C" not null references holdfast.tenant (id) on delete cascade
);

comment on column holdfast.tenant_host.host is
  'Normalised: lower case, no port, no trailing dot, IDN as A-label, IPv6 without brackets.';

create index tenant_host_tenant on holdfast.tenant_host (tenant);

insert into holdfast.tenant (id, display_name) values ('default', 'Default');
