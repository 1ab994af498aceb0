-- Adds a key of a tenant. One row; none when there is one of that version, which stays: whoever comes second waits for
-- the first to commit, and reads its key afterwards.
--
-- $1 tenant text   $2 version integer   $3 wrapped bytea   $4 master_key text
insert into holdfast.tenant_key as k (tenant, version, wrapped, master_key)
values ($1::text, $2::integer, $3::bytea, $4::text)
on conflict (tenant, version) do nothing
returning k.version
