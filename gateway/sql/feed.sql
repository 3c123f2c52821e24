-- name: listen
listen milepost_feed

-- name: feed_bounds
-- `head` is the last position given out, `first` the earliest one that is still there.
select h.position as head, coalesce((select min(position) from record.feed), h.position + 1) as first
from record.feed_head h

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
