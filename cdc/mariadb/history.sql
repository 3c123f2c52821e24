-- The schema history of a source in the graph's Postgres. $1 schema, $2 table; commands, where names must be quoted.

-- name: has
select to_regclass(format('%I.%I', $1::text, $2::text)) is not null

-- name: make
select format('create schema if not exists %I', $1::text)

-- name: forget
select format('drop table if exists %I.%I', $1::text, $2::text)
