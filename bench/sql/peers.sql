-- What a user of PostGraphile would add to the tables.

-- Relations, by what foreign keys would tell; the projector has none, since sources may contradict themselves.
comment on table graph.orders is E'@foreignKey (customer_id) references graph.customer (id)';
comment on table graph.line is E'@name order_line\n@foreignKey (order_id) references graph.orders (id)';
comment on table graph.shipment is E'@foreignKey (order_id) references graph.orders (id)';
comment on table graph.milestone is E'@foreignKey (shipment_id) references graph.shipment (id)';
comment on table graph.invoice is E'@foreignKey (order_id) references graph.orders (id)';

-- Counts, by functions that Postgres inlines.
create type graph.order_count as (value text, count integer);
create function graph.count_by_display_status(customer text) returns setof graph.order_count language sql stable as $$
    select display_status, count(*)::int from graph.orders where customer_id = customer group by 1 order by 2 desc, 1
$$;
create function graph.count_by_fulfillment(customer text) returns setof graph.order_count language sql stable as $$
    select fulfillment, count(*)::int from graph.orders where customer_id = customer group by 1 order by 2 desc, 1
$$;
create function graph.count_by_display_status_before(customer text, instant timestamptz) returns setof graph.order_count
language sql stable as $$
    select display_status, count(*)::int from graph.orders where customer_id = customer and ordered_at < instant
    group by 1 order by 2 desc, 1
$$;
create function graph.count_by_fulfillment_before(customer text, instant timestamptz) returns setof graph.order_count
language sql stable as $$
    select fulfillment, count(*)::int from graph.orders where customer_id = customer and ordered_at < instant
    group by 1 order by 2 desc, 1
$$;
