-- The list of orders. Sorted as its index is: by (ordered_at, id), where an unknown instant is later than any known.
-- A null parameter asks for nothing; plans are made for each call (plan_cache_mode), so it costs nothing.

-- name: order_filter
    ($1::text[] is null or display_status = any($1))
    and ($2::text[] is null or commercial = any($2))
    and ($3::text[] is null or fulfillment = any($3))
    and ($4::text[] is null or delivery = any($4))
    and ($5::text[] is null or financial = any($5))
    and ($6::text[] is null or health = any($6))
    and ($7::text is null or customer_id = $7)
    and ($8::text is null or channel = $8)
    and ($9::text is null or warehouse = $9)
    and ($10::timestamptz is null or ordered_at >= $10)
    and ($11::timestamptz is null or ordered_at < $11)
    and ($12::text is null or strpos(lower(number), lower($12)) > 0 or strpos(lower(customer_po), lower($12)) > 0)

-- name: order_bounds
-- $13 to $15: only what is older than (ordered_at, id); $16 to $18: only what is newer. The flag says whether to look.
    (not $13::boolean
        or ($14::timestamptz is null and (ordered_at is not null or id < $15::text))
        or (ordered_at, id) < ($14, $15))
    and (not $16::boolean
        or ($17::timestamptz is null and ordered_at is null and id > $18::text)
        or ($17 is not null and (ordered_at is null or (ordered_at, id) > ($17, $18))))

-- name: orders_newest_first
select * from graph.orders where
-- include: order_filter
    and
-- include: order_bounds
order by ordered_at desc, id desc limit $19

-- name: orders_oldest_first
select * from graph.orders where
-- include: order_filter
    and
-- include: order_bounds
order by ordered_at, id limit $19

-- name: count_orders
select count(*) as count from graph.orders where
-- include: order_filter

-- name: order_counts
select case $13
        when 'DISPLAY_STATUS' then display_status
        when 'FULFILLMENT' then fulfillment
        when 'DELIVERY' then delivery
        when 'FINANCIAL' then financial
        when 'HEALTH' then health
        when 'CHANNEL' then channel
    end as value, count(*) as count
from graph.orders where
-- include: order_filter
group by 1 order by count(*) desc, 1
