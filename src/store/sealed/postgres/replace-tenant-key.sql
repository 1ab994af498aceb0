-- Wraps a key anew. One row; none when the key is no longer as it was read.
--
-- $1 tenant text         $2 version integer
-- $3 wrapped bytea: as it was read
-- $4 rewrapped bytea     $5 master_key text
update holdfast.tenant_key k set
  wrapped = $4::bytea,
  master_key = $5::text
where k.tenant = $1::text
  and k.version = $2::integer
  and k.wrapped = $3::bytea
returning k.version
