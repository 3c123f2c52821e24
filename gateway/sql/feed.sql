-- name: listen
listen milepost_feed

-- name: feed_bounds
-- `head` is the last position given out, `first` the earliest one behind all that were dropped: the same for all callers.
select position as head, gone + 1 as first from record.feed_head

-- name: feed_place
-- Where one goes on who was at $1, or nowhere yet, as gateway.feed.Bounds judges it; `reason` says what is missing.
select head, case when $1::bigint > head then head else greatest($1, first - 1) end as start,
    case when $1 > head then 'CURSOR_UNKNOWN' when $1 < first - 1 then 'CURSOR_EXPIRED' end as reason
from (
-- include: feed_bounds
) bounds

-- name: feed_tail
-- With what decides who may see an event.
select f.*, o.customer_id, o.channel,
    array(
        select source from graph.fulfillment_order where order_id = f.order_id
        union select source from graph.shipment where order_id = f.order_id
    ) as partners
from record.feed f left join graph.orders o on o.id = f.order_id
where f.position > $1 order by f.position limit $2

-- name: feed_page
-- Between $1, exclusive, and $2, inclusive.
select f.*, o.customer_id from record.feed f left join graph.orders o on o.id = f.order_id
where f.position > $1 and f.position <= $2
    and ($3::text is null or f.order_id = $3)
    and ($4::text is null or o.customer_id = $4)
    and ($5::text[] is null or f.type = any($5))
order by f.position limit $6

-- name: events_by_order
-- The latest $2 of each order, oldest first.
select e.order_id as parent, e.*
from unnest($1::text[]) as wanted (id)
cross join lateral (
    select * from record.feed f where f.order_id = wanted.id order by f.version desc limit $2::integer
) e
order by e.order_id, e.version

-- name: explanations_by_order
-- For each facet the last event that changed it, unless it is not the last change: the facet is other now, or versions are
-- missing before the event, since they are pruned or others', and the change may have been one of them.
select o.id as parent, s.facet, s.state, e.previous, e.since, e.position::text as turn
from graph.orders o
cross join lateral (values
    (1, 'COMMERCIAL', 'commercial', o.commercial), (2, 'FULFILLMENT', 'fulfillment', o.fulfillment),
    (3, 'DELIVERY', 'delivery', o.delivery), (4, 'FINANCIAL', 'financial', o.financial),
    (5, 'RETURN', 'return', o.return_state), (6, 'HEALTH', 'health', o.health),
    (7, 'DISPLAY_STATUS', 'display', o.display_status)
) s (place, facet, name, state)
left join lateral (
    select * from (
        select position, version, facets ->> s.name as state, lag(facets ->> s.name) over w as previous,
            version - lag(version, 1, 0::bigint) over w = 1 as gapless,
            case when not snapshot then
                coalesce(max(occurred_at) over (partition by recorded_at, cause_source, cause_transaction), cause_committed_at)
            end as since
        from record.feed where order_id = o.id window w as (order by version)
    ) told
    where previous is distinct from state order by version desc limit 1
) e on e.state = s.state and e.gapless
where o.id = any($1::text[]) order by o.id, s.place

-- name: events_by_turn
-- All that the transaction of the event at position $1 told of its order: each of them has the facets after all of them.
select turn.position::text as parent, e.*
from record.feed turn join record.feed e on e.order_id = turn.order_id and e.version >= turn.version
    and e.recorded_at = turn.recorded_at and e.cause_source = turn.cause_source
    and e.cause_transaction is not distinct from turn.cause_transaction
where turn.position = any($1::text[]::bigint[]) order by turn.position, e.version

-- name: changes_by_event
-- All changes of a source's transaction that are behind the event at position $1, as far as the ledger has them.
select f.position::text as parent, l.source, l.tbl as table, l.op, l.key, c.place as position, l.transaction,
    l.committed_at, l.captured_at, l.projected_at
from record.feed f
cross join lateral (select string_to_array(f.cause_position, '/') as place) at
join record.ledger l on l.source = f.cause_source and l.epoch = at.place[1]::integer
    and l.log = ('x' || lpad(at.place[2], 8, '0') || lpad(at.place[3], 8, '0'))::bit(64)::bigint
    and l.ordinal = any(f.cause_ordinals)
cross join lateral (
    select concat_ws('/', at.place[1], at.place[2], at.place[3], l.ordinal) as place
) c
where f.position = any($1::text[]::bigint[]) order by f.position, l.ordinal
