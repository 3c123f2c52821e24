-- What capture asks a source database.

-- name: inspect
-- What capture has to know of a source before it starts. $1 slot, $2 publication, $3 schemas and $4 names of the
-- tables, pairwise. One JSON object.
with wanted as (
    select s || '.' || t as name, c.oid, c.relreplident, c.relowner
    from unnest($3::text[], $4::text[]) as w (s, t)
    left join pg_namespace n on n.nspname = s
    left join pg_class c on c.relnamespace = n.oid and c.relname = t and c.relkind in ('r', 'p')
)
select json_build_object(
    'system', (select system_identifier::text from pg_control_system()),
    'timeline', case when not pg_is_in_recovery()
        then ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,
    'log_end', case when not pg_is_in_recovery() then pg_current_wal_lsn() - '0/0'::pg_lsn end,
    'next_transaction', pg_snapshot_xmax(pg_current_snapshot())::text::bigint % 4294967296,
    'wal_level', current_setting('wal_level'),
    'encoding', current_setting('server_encoding'),
    'may_replicate', (
        select rolreplication or rolsuper or exists (
            select from pg_roles r where r.rolname = 'rds_replication' and pg_has_role(r.oid, 'member'))
        from pg_roles where rolname = current_user),
    'may_publish', has_database_privilege(current_database(), 'create')
        and (select coalesce(bool_and(pg_has_role(relowner, 'usage')), true) from wanted),
    'missing', (select coalesce(json_agg(name), '[]') from wanted where oid is null),
    'keyless', (select coalesce(json_agg(name), '[]') from wanted
        where relreplident = 'n' or relreplident = 'd' and not exists (
            select from pg_index i where i.indrelid = oid and i.indisprimary)),
    'published', (select json_agg(schemaname || '.' || tablename) from pg_publication p
        left join pg_publication_tables t using (pubname) where pubname = $2),
    'slot', (select json_build_object(
            'database', database,
            'confirmed', confirmed_flush_lsn - '0/0'::pg_lsn,
            'lost', coalesce(wal_status = 'lost', false) or to_jsonb(s) ->> 'invalidation_reason' is not null)
        from pg_replication_slots s where slot_name = $1)
)

-- name: publish
-- The statement that makes or mends a publication: $1 its name, $2 whether it exists, $3 schemas and $4 names of the
-- tables, pairwise.
select format(
    case when $2::boolean then 'alter publication %I set table %s' else 'create publication %I for table %s' end,
    $1::text, string_agg(format('%I.%I', s, t), ', '))
from unnest($3::text[], $4::text[]) as w (s, t)

-- name: release
-- Ends whoever still reads the slot $1, so that it can be read or dropped.
select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active_pid is not null

-- name: drop
-- The slot $1 goes, and with it what it kept of the log.
select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1

-- name: lag
-- How far the slot $1 is: whether somebody reads it, how many bytes of log lie behind what was confirmed, how many the
-- source keeps for it, and how many more it will write before it drops what the slot needs (null: it never does).
select active, wal_status, (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint as log_end,
    pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint as behind,
    pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint as kept, safe_wal_size as safe
from (values (1)) one (_) left join pg_replication_slots on slot_name = $1
