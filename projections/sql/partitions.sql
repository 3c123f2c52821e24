-- name: partitions
-- Of the table $1, oldest first.
select substr(c.relname, length($1) + 2)::bigint as number, pg_total_relation_size(c.oid) as size
from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = ('record.' || $1)::regclass order by number

-- name: ledger_ends
-- When the first and the last change in the places from $1 to $2, exclusive, were projected.
select (select projected_at from record.ledger where id >= $1 and id < $2 order by id limit 1) as first,
    (select projected_at from record.ledger where id >= $1 and id < $2 order by id desc limit 1) as last

-- name: feed_ends
select (select recorded_at from record.feed where position >= $1 and position < $2 order by position limit 1) as first,
    (select recorded_at from record.feed where position >= $1 and position < $2 order by position desc limit 1) as last

-- name: first_places
-- Of a partition and of the next one.
select record.first_place($1) as low, record.first_place($1 + 1) as high

-- name: add_partition
select record.add_partition($1, $2)

-- name: ledger_begun
select last_value >= record.first_place($1) from record.ledger_id

-- name: feed_begun
select greatest(position, floor) >= record.first_place($1) from record.feed_head

-- name: begin_ledger
-- Not undone by a rollback: its partition must be there already.
select setval('record.ledger_id', record.first_place($1)) from record.ledger_id where last_value < record.first_place($1)

-- name: begin_feed
-- The next event lies there.
update record.feed_head set floor = record.first_place($1) where floor < record.first_place($1)
