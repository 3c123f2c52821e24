-- name: keep_out_rebuild
-- Until commit: what has left already would be missed by one that has read only a part of the ledger.
select pg_try_advisory_xact_lock(742511, 3)

-- A partition of the ledger holds the ids from $1 to $2, exclusive; of the feed the positions.

-- name: make_leaving
create temp table leaving (like record.base including indexes) on commit drop

-- name: gather_leaving
-- The latest change of each row that changed something; truncations are no row's.
insert into leaving
select distinct on (source, tbl, key::text) * from record.ledger
where id >= $1 and id < $2 and outcome = 'applied' and op <> 't'
order by source, tbl, key::text, epoch desc, log desc, ordinal desc

-- name: analyze_leaving
analyze leaving

-- name: complete_leaving
-- What the log left out of a row is as it was before, as far back as the row was there.
update leaving l set after = (
    select json_object_agg(c.name, case when c.value #>> '{}' is distinct from '__debezium_unavailable_value' then c.value else (
        select o.after -> c.name from record.history o
        where hashtextextended(o.source || ' ' || o.tbl || ' ' || o.key::text, 0)
                = hashtextextended(l.source || ' ' || l.tbl || ' ' || l.key::text, 0)
            and (o.source, o.tbl, o.key::text) = (l.source, l.tbl, l.key::text) and o.id < $1
            and (o.epoch, o.log, o.ordinal) < (l.epoch, l.log, l.ordinal) and o.outcome = 'applied'
            and (o.op = 'd' or o.after ->> c.name is distinct from '__debezium_unavailable_value')
        order by o.epoch desc, o.log desc, o.ordinal desc limit 1
    ) end) from json_each(l.after) c (name, value)
) where strpos(after::text, '"__debezium_unavailable_value"') > 0

-- name: replace_in_base
delete from record.base b using leaving l
where hashtextextended(b.source || ' ' || b.tbl || ' ' || b.key::text, 0)
        = hashtextextended(l.source || ' ' || l.tbl || ' ' || l.key::text, 0)
    and (b.source, b.tbl, b.key::text) = (l.source, l.tbl, l.key::text) and b.outcome = 'applied'
    and (b.epoch, b.log, b.ordinal) < (l.epoch, l.log, l.ordinal)

-- name: put_in_base
insert into record.base select * from leaving

-- name: empty_in_base
-- What was truncated is gone since the first truncation behind it.
update record.base b set (op, before, after, epoch, log, ordinal) = ('d', null, null, t.epoch, t.log, t.ordinal)
from record.ledger t
where t.id >= $1 and t.id < $2 and t.op = 't' and t.outcome = 'applied' and (b.source, b.tbl) = (t.source, t.tbl)
    and b.id < t.id and (b.epoch, b.log, b.ordinal) < (t.epoch, t.log, t.ordinal) and b.outcome = 'applied' and b.op <> 'd'
    and not exists (
        select from record.ledger sooner where sooner.op = 't' and sooner.outcome = 'applied' and sooner.id >= $1
            and sooner.id < t.id and sooner.id > b.id and (sooner.source, sooner.tbl) = (t.source, t.tbl)
            and (sooner.epoch, sooner.log, sooner.ordinal) > (b.epoch, b.log, b.ordinal)
    )

-- name: keep_dead
-- What waits for a person, and what a snapshot brought and nobody could read, which spares its row at the snapshot's end.
insert into record.base
select * from record.ledger l where id >= $1 and id < $2 and outcome = 'dead' and (op = 'r' or exists (
    select from record.dead_letter d
    where d.resolved_at is null and (d.source, d.epoch, d.log, d.ordinal) = (l.source, l.epoch, l.log, l.ordinal)
))

-- name: sweep_base
-- What snapshots that ended before $1 did not bring.
delete from record.base b using record.sweep s
where s.ledger_id < $1 and b.source = s.source and b.epoch < s.epoch and b.outcome = 'applied' and not exists (
    select from record.base d
    where hashtextextended(d.source || ' ' || d.tbl || ' ' || d.key::text, 0)
            = hashtextextended(b.source || ' ' || b.tbl || ' ' || b.key::text, 0)
        and (d.source, d.tbl, d.key::text) = (b.source, b.tbl, b.key::text) and d.outcome = 'dead' and d.op = 'r'
        and d.epoch = s.epoch and d.id <= s.ledger_id
)

-- name: account_for_leaving
insert into record.dropped as d (source, applied, superseded, swept_epoch)
select source, coalesce(l.applied, 0), coalesce(l.superseded, 0), s.epoch from (
    select source, count(*) filter (where outcome = 'applied') as applied,
        count(*) filter (where outcome = 'superseded') as superseded
    from record.ledger where id >= $1 and id < $2 group by source
) l full join (select source, max(epoch) as epoch from record.sweep where ledger_id < $2 group by source) s using (source)
on conflict (source) do update set applied = d.applied + excluded.applied, superseded = d.superseded + excluded.superseded,
    swept_epoch = greatest(d.swept_epoch, excluded.swept_epoch)

-- name: forget_dead
delete from record.base b where outcome = 'dead' and not exists (
    select from record.dead_letter d
    where d.resolved_at is null and (d.source, d.epoch, d.log, d.ordinal) = (b.source, b.epoch, b.log, b.ordinal)
) and (op <> 'r' or exists (select from record.dropped d where d.source = b.source and d.swept_epoch >= b.epoch))

-- name: forget_deleted
-- A row that is gone matters while an older change of its source may yet be replayed.
delete from record.base b where op = 'd' and outcome = 'applied' and not exists (
    select from record.dead_letter d
    where d.resolved_at is null and d.source = b.source and (d.epoch, d.log, d.ordinal) < (b.epoch, b.log, b.ordinal)
)

-- name: move_horizon
-- $3 is when the last of the partition's changes was projected.
insert into record.horizon as h (known_since)
select since from (select greatest($3::timestamptz, (select max(swept_at) from record.sweep where ledger_id < $2),
    (select max(mended_at) from record.base where id >= $1 and id < $2)) as since) of_partition
where since is not null
on conflict (single) do update set known_since = greatest(h.known_since, excluded.known_since)

-- name: forget_sweeps
delete from record.sweep where ledger_id < $1

-- name: dead_within
-- The only changes of old partitions that may yet leave, or be mended.
select count(*) from record.ledger where id >= $1 and id < $2 and outcome = 'dead'

-- name: known_since
select known_since from record.horizon

-- name: tell
-- What the events behind $1 and before $2 told, at most $3 at a time; the last of them. Again is as good as once.
with page as (
    select position, order_id, version, key from record.feed where position > $1 and position < $2 order by position limit $3
), orders as (
    select order_id, max(version) as version,
        coalesce(array_agg(key) filter (where not starts_with(key, 'changed/')), '{}') as keys
    from page group by order_id
), put as (
    insert into record.told as t (order_id, version, keys) select order_id, version, keys from orders order by order_id
    on conflict (order_id) do update set version = greatest(t.version, excluded.version),
        keys = array(select unnest(t.keys) union select unnest(excluded.keys))
)
select max(position) from page

-- name: drop_partition
select record.drop_partition($1, $2)

-- name: feed_is_gone
update record.feed_head set gone = greatest(gone, $1)
