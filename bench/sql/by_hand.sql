-- The best SQL that we know for each operation of bench/graphql; bench/questions.py says what the parameters are.

-- name: page
select row_to_json(x)::text from (
    select o.id, o.number, o.display_status as "displayStatus", o.ordered_at as "orderedAt",
        (select row_to_json(c) from (select name from graph.customer where id = o.customer_id) c) as customer,
        (select coalesce(json_agg(l), '[]') from (
            select line, sku, ordered::text, shipped::text from graph.line where order_id = o.id order by length(line), line
        ) l) as lines,
        (select coalesce(json_agg(s), '[]') from (
            select sh.id, sh.tracking, sh.milestone, (
                select coalesce(json_agg(m), '[]') from (
                    select milestone, occurred_at as "occurredAt" from graph.milestone
                    where shipment_id = sh.id order by occurred_at, rank, milestone
                ) m) as milestones
            from graph.shipment sh where order_id = o.id order by created_at, id
        ) s) as shipments,
        (select coalesce(json_agg(i), '[]') from (
            select number, status, due_on as "dueOn" from graph.invoice where order_id = o.id order by issued_at, id
        ) i) as invoices
    from graph.orders o where o.id = $1 and o.customer_id = $2
) x

-- name: shipments
(select coalesce(json_agg(s), '[]') from (
    select tracking, milestone from graph.shipment where order_id = o.id order by created_at, id
) s)

-- name: listed
select o.number, o.display_status as "displayStatus", o.ordered_at as "orderedAt", /* include: shipments */ as shipments
from graph.orders o

-- name: list
select coalesce(json_agg(x), '[]')::text from (
    /* include: listed */ where o.customer_id = $1 order by ordered_at desc, id desc limit 50
) x

-- name: list_before
select coalesce(json_agg(x), '[]')::text from (
    /* include: listed */ where o.ordered_at < $1::text::timestamptz order by ordered_at desc, id desc limit 50
) x

-- name: status
select row_to_json(x)::text from (
    select display_status as "displayStatus" from graph.orders where number = $1 and customer_id = $2
) x

-- name: find
select coalesce(json_agg(x), '[]')::text from (
    select s.id, s.tracking, s.milestone,
        (select row_to_json(n) from (select o.number, o.display_status as "displayStatus") n) as order
    from graph.shipment s join graph.orders o on o.id = s.order_id where s.tracking = $1 and o.customer_id = $2
) x

-- name: of_counted
select row_to_json(x)::text from (select
    (select coalesce(json_agg(d), '[]') from (
        select display_status as value, sum(n) as count from counted group by 1 order by 2 desc, 1
    ) d) as display,
    (select coalesce(json_agg(f), '[]') from (
        select fulfillment as value, sum(n) as count from counted group by 1 order by 2 desc, 1
    ) f) as fulfillment
) x

-- name: counts
with counted as materialized (
    select display_status, fulfillment, count(*) as n from graph.orders where customer_id = $1 group by 1, 2
)
-- include: of_counted

-- name: counts_before
with counted as materialized (
    select display_status, fulfillment, count(*) as n from graph.orders
    where customer_id = $1 and ordered_at < $2::text::timestamptz group by 1, 2
)
-- include: of_counted

-- name: board
with counted as materialized (
    select display_status, fulfillment, count(*) as n from graph.orders
    where ordered_at < $1::text::timestamptz group by 1, 2
)
-- include: of_counted

-- name: entities
select coalesce(json_agg(x), '[]')::text from (
    select o.id, o.number, o.display_status as "displayStatus", o.ordered_at as "orderedAt",
        /* include: shipments */ as shipments
    from graph.orders o where o.id = any($1::text[])
) x
