-- Tryton at rest, in neutral words. Its times are UTC, its rows name one another by id.

-- name: tables
create temp table party_party (id integer, code text, name text, active boolean) on commit drop;
create temp table product_product (id integer, code text, active boolean) on commit drop;
create temp table sale_sale (
    id integer, number text, reference text, state text, party integer, currency integer, sale_date date,
    create_date timestamp, write_date timestamp
) on commit drop;
create temp table sale_line (
    id integer, sale integer, type text, product integer, unit integer, quantity numeric, unit_price numeric
) on commit drop;
create temp table stock_shipment_out (
    id integer, number text, state text, shipping_reference text, effective_date date, create_date timestamp,
    write_date timestamp
) on commit drop;
create temp table stock_move (
    id integer, origin text, shipment text, state text, product integer, quantity numeric, package integer
) on commit drop;
create temp table stock_package (id integer, shipment text, shipping_reference text) on commit drop;
create temp table account_invoice (
    id integer, number text, type text, state text, total_amount_cache numeric, currency integer, invoice_date date,
    payment_term_date date, create_date timestamp, write_date timestamp
) on commit drop;
create temp table account_invoice_line (
    id integer, invoice integer, origin text, quantity numeric, unit_price numeric
) on commit drop;

-- name: rows
insert into said_customer
select current_setting('direct.source'), id::text, coalesce(nullif(name, ''), nullif(code, ''), id::text), active
from party_party;

insert into said_product
select current_setting('direct.source'), id::text, coalesce(nullif(code, ''), id::text), '', active
from product_product;

insert into said_order
select current_setting('direct.source'), number, party::text, reference, currency::text, create_date at time zone 'UTC',
    case when state in ('confirmed', 'processing', 'done')
        then greatest(create_date, sale_date + time '00:00') at time zone 'UTC' end,
    null, null,
    case when state = 'cancelled' then coalesce(write_date, create_date) at time zone 'UTC' end,
    null, false,
    case state
        when 'draft' then 'DRAFT' when 'quotation' then 'DRAFT' when 'confirmed' then 'ACCEPTED'
        when 'processing' then 'ACCEPTED' when 'done' then 'CLOSED' when 'cancelled' then 'CANCELLED'
    end
from sale_sale where number <> '';

create temp table sold on commit drop as
select s.number as order_id, l.id, l.product, l.unit, l.unit_price, l.quantity
from sale_line l join sale_sale s on s.id = l.sale
where l.type = 'line' and l.quantity > 0 and s.number <> '';

insert into said_line
select order_id, id::text, product::text, coalesce(unit::text, ''), unit_price, null, quantity, 0, 0, false from sold;

-- An outgoing move is for a sale's line; an inventory move takes goods from the shelf for an outgoing move.
create temp table leaving on commit drop as
select m.id, split_part(m.shipment, ',', 2)::integer as shipment_id, split_part(m.origin, ',', 2)::integer as line,
    m.product, m.quantity, m.state = 'done' or m.state = 'assigned' and m.package is not null as packed
from stock_move m
where m.origin like 'sale.line,%' and m.shipment like 'stock.shipment.out,%' and m.state <> 'cancelled';

insert into said_allocation
select s.order_id, s.id::text, m.quantity
from stock_move m
join leaving l on m.origin = 'stock.move,' || l.id
join sold s on s.id = l.line
where m.shipment like 'stock.shipment.out,%' and m.state in ('assigned', 'done');

insert into said_pick
select s.order_id, s.id::text, l.quantity, l.quantity from leaving l join sold s on s.id = l.line where l.packed;

insert into said_shipment
select current_setting('direct.source') || ':' || s.number, current_setting('direct.source'), s.number, null,
    s.shipping_reference, s.create_date at time zone 'UTC',
    case when s.state in ('shipped', 'done') then t.at end, case when s.state = 'done' then t.at end,
    null, null, s.state = 'cancelled', o.order_id
from stock_shipment_out s, lateral (select coalesce(s.write_date, s.create_date) as written) w, lateral (
    select case
        when s.effective_date is null or s.effective_date = w.written::date then w.written
        else greatest(s.create_date, s.effective_date + time '00:00')
    end at time zone 'UTC' as at
) t, lateral (
    select min(order_id) as order_id from leaving l join sold on sold.id = l.line where l.shipment_id = s.id
) o
where s.number <> '';

insert into said_shipment_line
select current_setting('direct.source') || ':' || s.number, l.line::text, min(l.product)::text, sum(l.quantity)
from leaving l join stock_shipment_out s on s.id = l.shipment_id group by s.number, l.line;

insert into said_package
select current_setting('direct.source') || ':' || p.id, current_setting('direct.source') || ':' || s.number,
    p.shipping_reference, null
from stock_package p join stock_shipment_out s on p.shipment = 'stock.shipment.out,' || s.id;

create temp table billed on commit drop as
select i.number, l.id, l.invoice, split_part(l.origin, ',', 2)::integer as line, l.quantity, l.unit_price
from account_invoice_line l join account_invoice i on i.id = l.invoice
where l.origin like 'sale.line,%' and i.number <> '';

insert into said_invoice
select i.number, current_setting('direct.source'),
    (select min(s.order_id) from billed b join sold s on s.id = b.line where b.invoice = i.id),
    coalesce(i.total_amount_cache, 0) < 0,
    case i.state when 'cancelled' then 'VOID' when 'paid' then 'PAID' else 'OPEN' end,
    coalesce(i.total_amount_cache, 0), i.currency::text,
    greatest(i.create_date, i.invoice_date + time '00:00') at time zone 'UTC', i.payment_term_date,
    case when i.state = 'paid' then coalesce(i.write_date, i.create_date) at time zone 'UTC' end
from account_invoice i where i.number <> '' and i.type = 'out' and i.state in ('posted', 'paid', 'cancelled');

insert into said_invoice_line
select number, id::text, line::text, quantity, quantity * coalesce(unit_price, 0) from billed;
