-- name: ready
select true

-- name: begin_snapshot
-- The lock comes before the snapshot, and keeps the graph from being replaced by a rebuilt one until the end.
begin transaction isolation level repeatable read, read only;
lock table graph.revision in access share mode

-- name: end_snapshot
rollback

-- name: sources
-- A projector says every second how a source does, within ten how one that does not answer. One that is silent is down.
select source as name, s.state, s.detail, s.lag_bytes, s.lag_changes, s.slot, s.safe_bytes,
    s.safe_seconds, s.healed_at, s.healed_reason,
    case when silent > 30 then
            'no projector has looked at it for ' || round(silent) || ' s: see what runs (milepost status)'
        else s.advice end as advice,
    c.epoch, c.log, c.ordinal, coalesce(c.snapshotting, false) as snapshotting,
    coalesce(c.seen, 0) as seen, coalesce(c.applied, 0) as applied, coalesce(c.superseded, 0) as superseded,
    coalesce(c.dead, 0) as dead_lettered, coalesce(c.filtered, 0) as filtered,
    c.committed_at as last_committed_at, c.projected_at as last_projected_at,
    case when s.lag_changes is distinct from 0 and c.committed_at <= now() then
            extract(epoch from now() - c.committed_at)
        when silent > 30 then silent
        when s.lag_changes = 0 or c.committed_at > now() then 0 end::float8 as lag_seconds
from record.source_state s full join record.checkpoint c using (source)
cross join lateral (select extract(epoch from now() - s.updated_at)::float8 as silent) q
order by source

-- name: metrics_of_sources
select source, s.state, s.lag_bytes, s.lag_changes, s.kept_bytes, s.safe_bytes, s.safe_seconds,
    extract(epoch from s.healed_at)::float8 as healed_timestamp_seconds,
    extract(epoch from c.committed_at)::float8 as committed_timestamp_seconds, silent as silent_seconds,
    case when s.lag_changes is distinct from 0 and c.committed_at <= now() then
            extract(epoch from now() - c.committed_at)
        when silent > 30 then silent
        when s.lag_changes = 0 or c.committed_at > now() then 0 end::float8 as lag_seconds,
    coalesce(c.applied, 0) as applied, coalesce(c.superseded, 0) as superseded, coalesce(c.dead, 0) as dead,
    coalesce(c.filtered, 0) as filtered, coalesce(d.letters, 0) as dead_letters
from record.source_state s full join record.checkpoint c using (source)
cross join lateral (select extract(epoch from now() - s.updated_at)::float8 as silent) q
left join (
    select source, count(*) as letters from record.dead_letter where resolved_at is null group by source
) d using (source)
order by source

-- name: metrics_of_commands
-- Those that nobody has to care about any more are left out: there are ever more of them.
select state, count(c.state) as count
from unnest(array['ACCEPTED', 'SENDING', 'APPLIED', 'NEEDS_HUMAN']) as s (state)
left join command.command c using (state) group by state order by state

-- name: freshness_by_source
select source as parent, *, false as held, 0 as waiting from record.freshness where source = any($1::text[])

-- name: freshness_by_order
select o.id as parent, told.source, f.state, f.committed_at, f.projected_at, coalesce(f.read_at, now()) as read_at, f.as_of,
    coalesce(w.letters, 0) > 0 as held, coalesce(w.letters, 0) as waiting
from graph.orders o
cross join lateral (
    select o.source
    union select source from graph.fulfillment_order where order_id = o.id
    union select source from graph.shipment where order_id = o.id
    union select source from graph.invoice where order_id = o.id
    union select source from graph.returns where order_id = o.id
) told
left join record.freshness f on f.source = told.source
left join record.waiting w on w.source = told.source and w.order_id = o.id
where o.id = any($1::text[]) order by o.id, told.source

-- name: dead_letters
select * from record.dead_letter
where ($4::boolean or resolved_at is null)
    and ($1::text is null or source = $1)
    and ($2::text is null or tbl = $2)
    and ($3::text is null or order_id = $3)
    and ($5::bigint is null or id < $5)
order by id desc limit $6

-- name: dead_letter_requests
select * from command.dead_letter_request where ($1::bigint is null or id = $1)
order by id desc limit $2

-- name: commands_by_id
select id as parent, * from command.command where id = any($1::text[])

-- name: command_progress
select c.state, coalesce(c.settled_position <= h.position, false) as visible
from command.command c cross join record.feed_head h where c.id = $1

-- name: feed_head
select position from record.feed_head

-- name: feed_events
select events from record.feed_head

-- name: revisions
select subject, revision from graph.revision where subject = any($1::text[])
