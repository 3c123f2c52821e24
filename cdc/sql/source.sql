-- What capture asks a source database.

-- name: inspect
-- What capture has to know of a source before it starts. $1 slot, $2 publication, $3 schemas and $4 names of the
-- tables, pairwise. One JSON object.
with wanted as (
    select s || '.' || t as name, format('%I.%I', s, t) as quoted, c.oid, c.relkind, c.relowner
    from unnest($3::text[], $4::text[]) as w (s, t)
    left join pg_namespace n on n.nspname = s
    left join pg_class c on c.relnamespace = n.oid and c.relname = t and c.relkind in ('r', 'p')
), parts as (
    -- The rows of a partitioned table are in its parts, each of which has an identity of its own.
    select name, oid from wanted
    union all
    select name, relid from wanted, pg_partition_tree(oid) where relkind = 'p' and isleaf
), indexes as (
    select indrelid, indisprimary, indisreplident,
        (select array_agg(a) from unnest(indkey::int2[]) with ordinality as c (a, n) where n <= indnkeyatts) as columns
    from pg_index where indisprimary or indisreplident
), identified as (
    select name, relreplident as identity, relpersistence as persistence, k.columns as key, i.columns as told
    from parts join pg_class c using (oid)
    left join indexes k on k.indrelid = oid and k.indisprimary
    left join indexes i on i.indrelid = oid and i.indisreplident
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
    'tables', (select coalesce(json_object_agg(name, oid::bigint), '{}') from wanted where oid is not null),
    'missing', (select coalesce(json_agg(name), '[]') from wanted where oid is null),
    'keyless', (select coalesce(json_agg(distinct name), '[]') from identified
        where identity = 'n' or identity = 'd' and key is null or identity = 'i' and told is null),
    'blind', (select coalesce(json_agg(distinct name), '[]') from identified
        where identity = 'i' and not key <@ told),
    'unlogged', (select coalesce(json_agg(distinct name), '[]') from identified where persistence <> 'p'),
    'screened', (select coalesce(json_agg(name), '[]') from wanted where row_security_active(oid)),
    'published', (select json_agg(schemaname || '.' || tablename) from pg_publication p
        left join pg_publication_tables t using (pubname) where pubname = $2),
    'narrow', (
        select not (pubinsert and pubupdate and pubdelete and pubtruncate) or exists (
            select from pg_publication_rel r where prpubid = p.oid
            and coalesce(to_jsonb(r) ->> 'prattrs', to_jsonb(r) ->> 'prqual') is not null)
        from pg_publication p where pubname = $2),
    'wish', (
        select format(
            case
                when not exists (select from pg_publication where pubname = $2) then 'create publication %1$I for table %2$s%3$s'
                when exists (select from pg_publication where pubname = $2 and puballtables)
                then 'drop publication %1$I; create publication %1$I for table %2$s%3$s'
                else 'alter publication %1$I set (publish = ''insert, update, delete, truncate''%4$s); '
                    'alter publication %1$I set table %2$s'
            end,
            $2::text, string_agg(quoted, ', '),
            case when bool_or(relkind = 'p') then ' with (publish_via_partition_root = true)' end,
            case when bool_or(relkind = 'p') then ', publish_via_partition_root = true' end)
        from wanted),
    'slot', (select json_build_object(
            'database', database,
            'confirmed', confirmed_flush_lsn - '0/0'::pg_lsn,
            'lost', coalesce(wal_status = 'lost', false) or to_jsonb(s) ->> 'invalidation_reason' is not null)
        from pg_replication_slots s where slot_name = $1)
)

-- name: hold
-- Whether this session is the one of those who read by the slot $1.
select pg_try_advisory_lock(hashtext('milepost'), hashtext($1))

-- name: holder
-- Who is.
select pid, coalesce(application_name, '') as name, coalesce(host(client_addr), 'there') as address
from pg_locks join pg_stat_activity using (pid)
where locktype = 'advisory' and granted and objsubid = 2
  and database = (select oid from pg_database where datname = current_database())
  and classid::bigint = hashtext('milepost')::bigint & 4294967295
  and objid::bigint = hashtext($1)::bigint & 4294967295

-- name: end
select pg_terminate_backend($1, 5000)

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
