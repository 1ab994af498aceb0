-- Tenants as they are registered, who may call, what was changed by whom, and what a tenant uses.
-- Registrations, API keys, the audit log, the tenants' keys and placement are read and written on the main cluster only;
-- tenant_usage and identity on each cluster, about what is there.

-- Counts every change below. Whoever changes something holds this row until the commit, so that the audit log is
-- committed in the order of its numbers, and a reader who has seen one number will see no lower one appear.
create table holdfast.audit_head (
  sequence bigint not null check (sequence >= 0),
  names bigint not null check (names between 0 and sequence),
  only_row boolean primary key default true check (only_row)
);

comment on column holdfast.audit_head.names is
  'The number of the last change of ids, hosts or issuers. Whoever remembers to whom a name belongs reads it along with '
  'the name, and forgets what was read under a lower one.';

insert into holdfast.audit_head (sequence, names) values (1, 1);

-- Append-only. Servers learn from it what has changed.
create table holdfast.audit (
  sequence bigint primary key check (sequence > 0),
  time timestamptz not null default clock_timestamp(),
  actor text not null check (octet_length(actor) between 1 and 600),
  action text collate "C" not null check (action ~ '^[a-z-]{1,32}$'),
  subject_kind text collate "C" not null check (subject_kind in ('tenant', 'api-key')),
  subject text collate "C" not null check (octet_length(subject) between 1 and 64),
  tenant text collate "C" check (octet_length(tenant) between 1 and 63),
  reason text not null default '' check (octet_length(reason) <= 256),
  detail jsonb not null default '{}' check (jsonb_typeof(detail) = 'object')
);

comment on column holdfast.audit.actor is
  'Who: api-key:ID, jwt:ISSUER#SUBJECT, certificate:NAME, anonymous, server, command-line.';
comment on column holdfast.audit.tenant is
  'Whose; null: of no single tenant.';
comment on column holdfast.audit.detail is
  'What, without secrets. Of a change of health: from, to, event.';

alter table holdfast.tenant
  add column generation bigint not null default 1 check (generation > 0),
  add column health text collate "C" not null default 'healthy'
    check (health in ('pending', 'healthy', 'unverified', 'disabled')),
  add column health_reason text not null default '' check (octet_length(health_reason) <= 256),
  add column health_since timestamptz not null default clock_timestamp(),
  add column draining boolean not null default false,
  add column agent_url text not null default '' check (octet_length(agent_url) <= 2048),
  add column validator text collate "C" not null default 'none' check (validator in ('none', 'http', 'jwks')),
  add column validator_url text not null default '' check (octet_length(validator_url) <= 2048),
  add column eager boolean not null default false,
  add column serve_states text[] not null default '{healthy,unverified}'
    check (serve_states <@ '{pending,healthy,unverified,disabled}'::text[]),
  add column placement text collate "C" not null default 'main' check (placement ~ '^[a-z][a-z0-9-]{0,62}$'),
  add column encrypted boolean not null default false,
  add column new_records_per_second double precision not null default 0 check (new_records_per_second >= 0),
  add column new_records_burst bigint not null default 0 check (new_records_burst >= 0),
  add column live_records bigint not null default 0 check (live_records >= 0),
  add column stored_bytes bigint not null default 0 check (stored_bytes >= 0),
  add column leases bigint not null default 0 check (leases >= 0),
  add column waiters bigint not null default 0 check (waiters >= 0),
  add column hold boolean not null default false,
  add column max_attempts integer not null default 0 check (max_attempts >= 0),
  add column max_execution_ms bigint check (max_execution_ms > 0),
  add column result_retention_ms bigint not null default 86400000 check (result_retention_ms >= 0),
  add column tombstone_retention_ms bigint not null default 86400000 check (tombstone_retention_ms >= 0),
  add column create_time timestamptz not null default clock_timestamp(),
  add column update_time timestamptz not null default clock_timestamp(),
  add constraint tenant_validator check ((validator = 'none') = (validator_url = ''));

comment on column holdfast.tenant.generation is
  'The number in the audit log of the registration or of its last change; never comes again, not even after the '
  'tenant was deleted and registered anew.';
comment on column holdfast.tenant.health is
  'What the last validation said; without a validator healthy. Changes of it change no generation.';
comment on column holdfast.tenant.draining is
  'Acquires nothing; what is held may finish, what has ended is replayed.';
comment on column holdfast.tenant.eager is
  'Built when a server starts, not with its first call.';
comment on column holdfast.tenant.serve_states is
  'The healths in which it acquires.';
comment on column holdfast.tenant.placement is
  'Name of the configured cluster that holds its records. Fixed.';
comment on column holdfast.tenant.encrypted is
  'Results, checkpoints and errors are encrypted, fingerprints stored as HMACs. Fixed.';
comment on column holdfast.tenant.new_records_per_second is
  'For each server; this and the limits that follow: 0 is none.';
comment on column holdfast.tenant.waiters is
  'For each server.';
comment on column holdfast.tenant.hold is
  'This and the columns up to tombstone_retention_ms: the policy of records whose first claim names none.';

create index tenant_eager on holdfast.tenant (id) where eager;

-- A host and path prefix name at most one tenant. Tenants that share a host differ in the prefix; the longest wins.
alter table holdfast.tenant_host
  add column path text collate "C" not null default ''
    check (octet_length(path) <= 512 and (path = '' or (path like '/%' and path not like '%/'))),
  drop constraint tenant_host_pkey,
  add constraint tenant_host_taken primary key (host, path);

comment on column holdfast.tenant_host.path is
  'Begins with a slash and does not end with one; empty: every path.';

-- An issuer and subject name at most one tenant. Without subject: every one that no other row names.
create table holdfast.tenant_issuer (
  issuer text collate "C" not null check (octet_length(issuer) between 1 and 255),
  subject text collate "C" not null default '' check (octet_length(subject) <= 255),
  tenant text collate "C" not null references holdfast.tenant (id) on delete cascade,
  audience text not null default '' check (octet_length(audience) <= 255),
  jwks_url text not null default '' check (octet_length(jwks_url) <= 2048),
  constraint tenant_issuer_taken primary key (issuer, subject),
  constraint tenant_issuer_audience check (jwks_url = '' or audience <> '')
);

create index tenant_issuer_tenant on holdfast.tenant_issuer (tenant);

create table holdfast.api_key (
  id text collate "C" primary key check (id ~ '^[A-Za-z0-9_-]{8,64}$'),
  tenant text collate "C" references holdfast.tenant (id) on delete cascade,
  roles text[] not null check (roles <@ '{claim,read,operate,admin}'::text[] and cardinality(roles) > 0),
  salt bytea not null check (octet_length(salt) = 32),
  hash bytea not null check (octet_length(hash) = 32),
  display_name text not null default '' check (octet_length(display_name) <= 256),
  create_time timestamptz not null default clock_timestamp(),
  expire_time timestamptz,
  revoke_time timestamptz
);

comment on column holdfast.api_key.tenant is
  'The one tenant that it opens; null: every tenant.';
comment on column holdfast.api_key.hash is
  'HMAC-SHA-256 of the secret, keyed with the salt. The secret is 32 random bytes: nobody can guess it from this.';

create index api_key_tenant on holdfast.api_key (tenant, id);
-- Counted before another one is made; those that were revoked stay for ever.
create index api_key_good on holdfast.api_key (tenant) where revoke_time is null;

-- What records are encrypted with. Kept when a tenant is deleted: its records are.
create table holdfast.tenant_key (
  tenant text collate "C" not null check (octet_length(tenant) between 1 and 63),
  version integer not null check (version > 0),
  wrapped bytea not null check (octet_length(wrapped) between 32 and 256),
  master_key text collate "C" not null check (master_key ~ '^[a-z0-9-]{1,32}$'),
  create_time timestamptz not null default clock_timestamp(),
  primary key (tenant, version)
);

comment on column holdfast.tenant_key.version is
  'The highest is written with; each is read with. The first one also keys the HMACs of fingerprints, for good.';
comment on column holdfast.tenant_key.wrapped is
  'Encrypted under the master key; bound to tenant and version.';

create table holdfast.tenant_usage (
  tenant text collate "C" primary key check (octet_length(tenant) between 1 and 63),
  live_records bigint not null check (live_records >= 0),
  stored_bytes bigint not null check (stored_bytes >= 0),
  leases bigint not null check (leases >= 0),
  measure_time timestamptz not null
);

comment on table holdfast.tenant_usage is
  'What a tenant with a quota uses of this cluster, as of measure_time. Refreshed by the sweepers.';

-- Which database this is. It goes where the data goes: one that is restored or promoted is the same, and so is a copy.
create table holdfast.identity (
  id uuid not null default gen_random_uuid(),
  only_row boolean primary key default true check (only_row)
);

insert into holdfast.identity default values;

-- Which database a placement's name leads to: the first that any server opened by it. A server that was told another
-- one does not open it.
create table holdfast.placement (
  name text collate "C" primary key check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  identity uuid not null constraint placement_identity_taken unique,
  create_time timestamptz not null default clock_timestamp()
);
