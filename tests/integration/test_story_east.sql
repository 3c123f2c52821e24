-- The rules of East's own system; a transaction that breaks one of them fails at its commit.

alter table wh_stock add check (0 <= allocated and allocated <= on_hand);
alter table wh_order_line add check (qty > 0 and qty_packed <= qty_picked and qty_picked + qty_short <= qty);
alter table wh_shipment add check (not void or shipped_at is null);
alter table wh_shipment add check (created_at <= shipped_at and shipped_at <= pod_at and shipped_at <= eta);

create table move (was wh_state, becomes wh_state, primary key (was, becomes));
insert into move values
    ('NEW', 'ACK'), ('NEW', 'CANCELLED'), ('ACK', 'PICKING'), ('PICKING', 'PICKED'), ('PICKING', 'SHORT'),
    ('PICKED', 'PACKED'), ('PACKED', 'SHIPPED');

create function check_move() returns trigger language plpgsql as $$
begin
    if new.state <> old.state and not exists (select from move where (was, becomes) = (old.state, new.state)) then
        raise exception 'order % moves from % to %', new.code, old.state, new.state;
    end if;
    if new.updated_at < old.updated_at then
        raise exception 'order % was changed at % after %', new.code, new.updated_at, old.updated_at;
    end if;
    return null;
end $$;
create trigger moves after update on wh_order for each row execute function check_move();

create function check_order() returns trigger language plpgsql as $$
declare bad record;
begin
    select into bad * from (
        select o.state, l.*, coalesce((
            select sum(s.qty) from wh_shipment_line s join wh_shipment h on h.id = s.shipment_id
            where not h.void and (h.order_id, s.line, s.sku) = (l.order_id, l.line, l.sku)), 0) as loaded
        from wh_order o join wh_order_line l on l.order_id = o.id where o.id = new.id
    ) line
    where loaded <> qty_packed
        or state not in ('NEW', 'ACK', 'PICKING', 'CANCELLED') and qty_picked + qty_short <> qty
        or state in ('PACKED', 'SHIPPED') and qty_packed <> qty_picked
        or state = 'SHIPPED' and exists (
            select from wh_shipment h where h.order_id = line.order_id and not h.void and h.shipped_at is null)
    limit 1;
    if found then
        raise exception 'order % does not add up: %', new.code, bad;
    end if;
    return null;
end $$;
create constraint trigger adds_up after insert or update on wh_order deferrable initially deferred
    for each row execute function check_order();

create function check_scan() returns trigger language plpgsql as $$
declare shipment wh_shipment;
begin
    select into shipment * from wh_shipment where id = new.shipment_id;
    if shipment.void or new.received_at < shipment.created_at
        or new.utc_offset is not null and (new.scanned_at::text || new.utc_offset)::timestamptz > new.received_at then
        raise exception 'scan % of shipment % is impossible', new, shipment;
    end if;
    return null;
end $$;
create trigger possible after insert on wh_scan for each row execute function check_scan();
