-- Roles and databases of the demo's two source systems. Names and passwords are quoted by the server.

-- name: role_missing
select not exists (select from pg_roles where rolname = $1);

-- name: role_add
select format('create role %I login password %L', $1::text, $2::text);

-- name: capture_role_add
select format('create role %I login replication password %L', $1::text, $2::text);

-- name: role_password
select format('alter role %I password %L', $1::text, $2::text);

-- name: database_missing
select not exists (select from pg_database where datname = $1);

-- name: database_add
select format('create database %I owner %I', $1::text, $2::text);

-- name: become
select set_config('role', $1, true);

-- name: prepared
select to_regclass('demo.demo_progress') is not null;
