-- The rules of the legacy ERP that its screens keep; a transaction that breaks one of them fails at its commit.

alter table invbal add check (0 <= qtyal and qtyal <= qtyoh);
alter table ordlin add check (qtyord > 0 and qtybko >= 0 and qtycnl >= 0 and qtycnl <= qtyord);
alter table ordlin add check (clscd = 'O' or (clscd = 'C' and qtycnl = qtyord) or (clscd = 'S' and qtybko = 0));
alter table alcdtl add check (qtyalc > 0);
alter table pckrel add check (qtyrel > 0);
alter table shppsl add check (qtyshp > 0);
alter table rtndtl add check (qtyrtn > 0);

create table move (tbl text, was text, becomes text, primary key (tbl, was, becomes));
insert into move values
    ('ordhdr', '10', '20'), ('ordhdr', '10', '90'), ('ordhdr', '10', '95'), ('ordhdr', '20', '60'), ('ordhdr', '20', '90'),
    ('invhdr', 'O', 'P'), ('invhdr', 'O', 'D'), ('invhdr', 'D', 'P'), ('invhdr', 'D', 'V'),
    ('rtnhdr', 'A', 'T'), ('rtnhdr', 'T', 'R'), ('rtnhdr', 'R', 'S'), ('rtnhdr', 'R', 'F'), ('rtnhdr', 'S', 'F');

create function check_move() returns trigger language plpgsql as $$
declare
    left_state text := to_jsonb(old) ->> tg_argv[0];
    next_state text := to_jsonb(new) ->> tg_argv[0];
begin
    if left_state <> next_state
        and not exists (select from move where (tbl, was, becomes) = (tg_table_name, left_state, next_state)) then
        raise exception '% moves from % to %', tg_table_name, left_state, next_state;
    end if;
    return null;
end $$;

create trigger moves after update on ordhdr for each row execute function check_move('ordsts');
create trigger moves after update on invhdr for each row execute function check_move('invsts');
create trigger moves after update on rtnhdr for each row execute function check_move('rtnsts');

create function check_clock() returns trigger language plpgsql as $$
begin
    if new.chgdt < old.chgdt or (new.ordsts in ('60', '90', '95')) and old.ordsts in ('60', '90', '95') then
        raise exception 'order % was changed at % after %', new.ordno, new.chgdt, old.chgdt;
    end if;
    return null;
end $$;
create trigger clock after update on ordhdr for each row execute function check_clock();

create function check_order() returns trigger language plpgsql as $$
declare
    number integer := coalesce(
        (to_jsonb(new) ->> 'ordno')::int,
        (to_jsonb(old) ->> 'ordno')::int,
        (select ordno from shppst where pstno = (to_jsonb(new) ->> 'pstno')::int),
        (select ordno from invhdr where invno = (to_jsonb(new) ->> 'invno')::int),
        (select ordno from rtnhdr where rmano = (to_jsonb(new) ->> 'rmano')::int));
    bad record;
begin
    select into bad * from (
        select o.ordsts, l.*,
            coalesce((select sum(qtyalc) from alcdtl a where (a.ordno, a.linno) = (l.ordno, l.linno)), 0) as alc,
            coalesce((select sum(qtyrel) from pckrel r where (r.ordno, r.linno) = (l.ordno, l.linno)), 0) as rel,
            coalesce((select sum(qtyshp) from shppst join shppsl s using (pstno)
                      where (ordno, s.linno) = (l.ordno, l.linno)), 0) as shp,
            coalesce((select sum(qtyinv) from invhdr join invdtl i using (invno)
                      where (ordno, i.linno) = (l.ordno, l.linno) and invtyp = 'I' and invsts <> 'V'), 0) as inv,
            coalesce((select sum(qtyinv) from invhdr join invdtl i using (invno)
                      where (ordno, i.linno) = (l.ordno, l.linno) and invtyp = 'C'), 0) as crd,
            coalesce((select sum(qtyrtn) from rtnhdr join rtndtl r using (rmano)
                      where (ordno, r.linno) = (l.ordno, l.linno)), 0) as rtn
        from ordlin l join ordhdr o using (ordno) where l.ordno = number
    ) line
    where qtycnl + qtybko + alc > qtyord
        or shp > rel or rel > alc or inv > shp or rtn > shp or crd > rtn
        or ordsts in ('10', '90', '95') and (alc > 0 or shp > 0)
        or ordsts = '90' and qtycnl <> qtyord
        or ordsts = '60' and clscd <> 'S' and shp + qtycnl <> qtyord
    limit 1;
    if found then
        raise exception 'order % does not add up: %', number, bad;
    end if;
    return null;
end $$;

create constraint trigger adds_up after insert or update on ordhdr deferrable initially deferred
    for each row execute function check_order();
create constraint trigger adds_up after insert or update on ordlin deferrable initially deferred
    for each row execute function check_order();
create constraint trigger adds_up after insert or update or delete on alcdtl deferrable initially deferred
    for each row execute function check_order();
create constraint trigger adds_up after insert or update or delete on pckrel deferrable initially deferred
    for each row execute function check_order();
create constraint trigger adds_up after insert or update on shppsl deferrable initially deferred
    for each row execute function check_order();
create constraint trigger adds_up after insert or update on invdtl deferrable initially deferred
    for each row execute function check_order();
create constraint trigger adds_up after insert or update on rtndtl deferrable initially deferred
    for each row execute function check_order();
