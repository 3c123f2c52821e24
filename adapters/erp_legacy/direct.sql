-- The legacy ERP at rest, in neutral words. Its times are wall clock of the head office.

-- name: tables
create temp table cusmst (cusno integer, cusnam text, custyp text, curcd text) on commit drop;
create temp table itmmst (itmno text, itmdsc text, uom text, itmsts text) on commit drop;
create temp table invbal (itmno text, whs text, qtyoh numeric, qtyal numeric) on commit drop;
create temp table ordhdr (
    ordno integer, cusno integer, cuspo text, ordsts text, hldcd text, hlddt timestamp, orddt timestamp,
    accdt timestamp, reqdt date, prmdt date, cnldt timestamp, curcd text
) on commit drop;
create temp table ordlin (
    ordno integer, linno smallint, itmno text, qtyord numeric, qtybko numeric, qtycnl numeric, clscd text,
    untprc numeric, uom text, prmdt date
) on commit drop;
create temp table ordhld (hldid bigint, ordno integer, actcd text, usrid text, hlddt timestamp) on commit drop;
create temp table alcdtl (ordno integer, linno smallint, qtyalc numeric) on commit drop;
create temp table pckrel (ordno integer, linno smallint, qtyrel numeric) on commit drop;
create temp table shppst (pstno integer, ordno integer, whsref text, trkno text, shpdt timestamp) on commit drop;
create temp table shppsl (pstno integer, linno smallint, qtyshp numeric) on commit drop;
create temp table invhdr (
    invno integer, ordno integer, invtyp text, invsts text, invdt timestamp, duedt date, paydt timestamp,
    invamt numeric, curcd text
) on commit drop;
create temp table invdtl (invno integer, seqno smallint, linno smallint, qtyinv numeric, extamt numeric) on commit drop;
create temp table rtnhdr (
    rmano integer, ordno integer, rtnsts text, autdt timestamp, rcvdt timestamp, stkdt timestamp, rfddt timestamp
) on commit drop;
create temp table rtndtl (rmano integer, linno smallint, qtyrtn numeric) on commit drop;
create temp table chgdtl (chgid bigint, ordno integer, chgamt numeric, curcd text, chgdt timestamp) on commit drop;

-- name: rows
insert into said_customer
select current_setting('direct.source'), cusno::text, cusnam, custyp = 'A', curcd from cusmst;

insert into said_product
select current_setting('direct.source'), itmno, itmdsc, trim(uom), itmsts = 'A' from itmmst;

insert into said_inventory
select current_setting('direct.source'), itmno, qtyoh, qtyal from invbal;

insert into said_order
select current_setting('direct.source'), ordno::text, cusno::text, cuspo, curcd,
    orddt at time zone 'America/Chicago', accdt at time zone 'America/Chicago', reqdt, prmdt,
    cnldt at time zone 'America/Chicago', hlddt at time zone 'America/Chicago', hldcd is not null,
    case ordsts
        when '10' then 'RECEIVED' when '20' then 'ACCEPTED' when '60' then 'CLOSED'
        when '90' then 'CANCELLED' when '95' then 'REJECTED'
    end
from ordhdr;

insert into said_line
select ordno::text, linno::text, itmno, trim(uom), untprc, prmdt, qtyord, qtycnl, qtybko, clscd = 'S' from ordlin;

insert into said_allocation select ordno::text, linno::text, qtyalc from alcdtl;

insert into said_release select ordno::text, linno::text, qtyrel from pckrel;

insert into said_hold
select current_setting('direct.source') || ':' || hldid, ordno::text, actcd = 'H', usrid,
    hlddt at time zone 'America/Chicago'
from ordhld;

insert into said_posting
select current_setting('direct.source') || ':' || pstno, current_setting('direct.source'), pstno::text, ordno::text,
    whsref, trkno, shpdt at time zone 'America/Chicago'
from shppst;

insert into said_shipment_line
select current_setting('direct.source') || ':' || pstno, l.linno::text, o.itmno, l.qtyshp
from shppsl l join shppst p using (pstno) left join ordlin o using (ordno, linno);

insert into said_invoice
select invno::text, current_setting('direct.source'), ordno::text, invtyp = 'C',
    case invsts when 'O' then 'OPEN' when 'P' then 'PAID' when 'D' then 'DISPUTED' when 'V' then 'VOID' end,
    invamt, curcd, invdt at time zone 'America/Chicago', duedt, paydt at time zone 'America/Chicago'
from invhdr;

insert into said_invoice_line select invno::text, seqno::text, linno::text, qtyinv, extamt from invdtl;

insert into said_return
select rmano::text, current_setting('direct.source'), ordno::text,
    case rtnsts
        when 'A' then 'RMA_ISSUED' when 'T' then 'IN_RETURN' when 'R' then 'RECEIVED_BACK'
        when 'S' then 'RESTOCKED' when 'F' then 'REFUNDED'
    end,
    autdt at time zone 'America/Chicago', rcvdt at time zone 'America/Chicago',
    stkdt at time zone 'America/Chicago', rfddt at time zone 'America/Chicago'
from rtnhdr;

insert into said_return_line select rmano::text, linno::text, qtyrtn from rtndtl;

insert into said_charge
select current_setting('direct.source') || ':' || chgid, ordno::text, chgamt, curcd, chgdt at time zone 'America/Chicago'
from chgdtl;
