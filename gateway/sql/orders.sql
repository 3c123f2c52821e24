-- The list of orders. Sorted as its indexes are: by (place, id), where an unknown place is later than any known one.
-- A null parameter asks for nothing; plans are made for each call (plan_cache_mode), so it costs nothing.
-- `offset 0` has Postgres look at each order's partners in turn, up to a page of orders, not gather all of the partner's.

-- name: orders_delayed
select order_id from graph.shipment where delayed and order_id is not null

-- name: of_partner
(exists (select from graph.fulfillment_order x where x.order_id = o.id and x.source = $14 offset 0) or exists (select from graph.shipment x where x.order_id = o.id and x.source = $14 offset 0))

-- name: states
array[commercial, fulfillment, delivery, financial, return_state, health, warehouse]

-- name: texts
number || ' ' || coalesce(customer_po, '')

-- name: order_filter
-- The index over states finds candidates, and the column decides.
    ($1::text[] is null or display_status = any($1))
    and ($2::text[] is null or commercial = any($2) and /* include: states */ && $2)
    and ($3::text[] is null or fulfillment = any($3) and /* include: states */ && $3)
    and ($4::text[] is null or delivery = any($4) and /* include: states */ && $4)
    and ($5::text[] is null or financial = any($5) and /* include: states */ && $5)
    and ($6::text[] is null or health = any($6) and /* include: states */ && $6)
    and ($7::text is null or customer_id = $7)
    and ($8::text is null or channel = $8)
    and ($9::text is null or warehouse = $9 and /* include: states */ && array[$9])
    and ($10::timestamptz is null or ordered_at >= $10)
    and ($11::timestamptz is null or ordered_at < $11)
    and ($12::text is null or graph.grams(/* include: texts */) @> graph.grams($12) and (strpos(lower(number), lower($12)) > 0 or strpos(lower(customer_po), lower($12)) > 0))
    and ($13::text[] is null or return_state = any($13) and /* include: states */ && $13)
    and ($14::text is null or /* include: of_partner */)
    and ($15::text is null or id = any(array(select order_id from graph.reference where value = $15)))
    and ($16::boolean is null or (held_at is not null) = $16)
    and ($17::boolean is null or (id in (/* include: orders_delayed */)) = $17)
    and ($18::date is null or promised_on is not null and coalesce(promised_on, 'infinity') >= $18)
    and ($19::date is null or coalesce(promised_on, 'infinity') < $19)
    and ($20::date is null or requested_on >= $20)
    and ($21::date is null or requested_on < $21)
    and ($22::timestamptz is null or delivered_at >= $22)
    and ($23::timestamptz is null or delivered_at < $23)
    and ($24::timestamptz is null or last_event_at is not null and coalesce(last_event_at, 'infinity') >= $24)
    and ($25::timestamptz is null or coalesce(last_event_at, 'infinity') < $25)

-- name: order_bounds
-- $26 to $28: only what is earlier than (ordered_at, id); $29 to $31: only what is later. The flag says whether to look.
    (not $26::boolean
        or ($27::timestamptz is null and (ordered_at is not null or id < $28::text))
        or (ordered_at, id) < ($27, $28))
    and (not $29::boolean
        or ($30::timestamptz is null and ordered_at is null and id > $31::text)
        or ($30 is not null and (ordered_at is null or (ordered_at, id) > ($30, $31))))

-- name: event_bounds
    (not $26::boolean
        or (coalesce(last_event_at, 'infinity'), id) < (coalesce($27::timestamptz, 'infinity'), $28::text))
    and (not $29::boolean
        or (coalesce(last_event_at, 'infinity'), id) > (coalesce($30::timestamptz, 'infinity'), $31::text))

-- name: promise_bounds
    (not $26::boolean or (coalesce(promised_on, 'infinity'), id) < (coalesce($27::date, 'infinity'), $28::text))
    and (not $29::boolean or (coalesce(promised_on, 'infinity'), id) > (coalesce($30::date, 'infinity'), $31::text))

-- name: orders_newest_first
select *, ordered_at as place from graph.orders o where
-- include: order_filter
    and
-- include: order_bounds
order by ordered_at desc, id desc limit $32

-- name: orders_oldest_first
select *, ordered_at as place from graph.orders o where
-- include: order_filter
    and
-- include: order_bounds
order by ordered_at, id limit $32

-- name: orders_latest_event_first
select *, last_event_at as place from graph.orders o where
-- include: order_filter
    and
-- include: event_bounds
order by coalesce(last_event_at, 'infinity') desc, id desc limit $32

-- name: orders_earliest_event_first
select *, last_event_at as place from graph.orders o where
-- include: order_filter
    and
-- include: event_bounds
order by coalesce(last_event_at, 'infinity'), id limit $32

-- name: orders_latest_promise_first
select *, promised_on as place from graph.orders o where
-- include: order_filter
    and
-- include: promise_bounds
order by coalesce(promised_on, 'infinity') desc, id desc limit $32

-- name: orders_earliest_promise_first
select *, promised_on as place from graph.orders o where
-- include: order_filter
    and
-- include: promise_bounds
order by coalesce(promised_on, 'infinity'), id limit $32

-- name: count_orders
select count(*) as count from graph.orders o where
-- include: order_filter

-- name: order_counts
select case $26
        when 'DISPLAY_STATUS' then display_status
        when 'COMMERCIAL' then commercial
        when 'FULFILLMENT' then fulfillment
        when 'DELIVERY' then delivery
        when 'FINANCIAL' then financial
        when 'RETURN_STATE' then return_state
        when 'HEALTH' then health
        when 'CHANNEL' then channel
        when 'CUSTOMER' then customer_id
        when 'WAREHOUSE' then warehouse
        when 'ORDERED_ON' then (ordered_at at time zone 'UTC')::date::text
        when 'PROMISED_ON' then promised_on::text
    end as value, count(*) as count
from graph.orders o where
-- include: order_filter
group by 1 order by count(*) desc, 1 limit $27
