-- On main: the first database that a placement's name leads to is the one. Nothing happens when main knows the name or the
-- database already.
--
-- $1 name text
-- $2 identity uuid
insert into holdfast.placement (name, identity)
values ($1::text, $2::uuid)
on conflict do nothing
