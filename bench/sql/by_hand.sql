-- The best SQL that we know for each case, over the rows that the caller may see ($1: its account).

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
    from graph.orders o where o.id = $2 and o.customer_id = $1
) x

-- name: list
select coalesce(json_agg(x), '[]')::text from (
    select o.number, o.display_status as "displayStatus", o.ordered_at as "orderedAt",
        (select coalesce(json_agg(s), '[]') from (
            select tracking, milestone from graph.shipment where order_id = o.id order by created_at, id
        ) s) as shipments
    from graph.orders o where o.customer_id = $1 and $2::text is not null order by ordered_at desc, id desc limit 50
) x

-- name: status
select row_to_json(x)::text from (
    select display_status as "displayStatus" from graph.orders where number = $2 and customer_id = $1
) x
