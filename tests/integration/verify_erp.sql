-- Handwritten orders of the legacy ERP, one for each state; what 3PL East says of them is in verify_east.sql.
-- Each is for 10 pieces of SKU-1 at 2.50 unless it says otherwise; it is promised for 2026-03-20.
insert into cusmst (cusno, cusnam, crtdt, chgdt) values (7, 'Prairie Hardware', '2026-01-01', '2026-01-01');
insert into cussht values (7, 1, 'Dock', '1 Main St', 'Peoria', 'IL', '61602', 'US');
insert into itmmst (itmno, itmdsc, lstprc) values ('SKU-1', 'Hinge', 2.5), ('SKU-2', 'Bolt', 0.1);
insert into invbal values ('SKU-1', 'EA', 100, 20, '2026-03-01'), ('SKU-1', 'MN', 50, 0, '2026-03-01');

insert into ordhdr (ordno, cusno, shtno, cuspo, ordsrc, ordsts, hldcd, hlddt, orddt, accdt, prmdt, chgdt)
select ordno, 7, 1, 'PO-' || ordno, 'ED', ordsts, hldcd, case when hldcd is not null then timestamp '2026-03-02 09:00' end,
    '2026-03-01 08:00', case when ordsts not in ('10', '95') then timestamp '2026-03-01 10:00' end, '2026-03-20', '2026-03-02'
from (values
    (101, '10', null),                       -- entered
    (102, '20', null),                       -- accepted
    (103, '20', 'CR'),                       -- on hold
    (104, '95', null),                       -- rejected
    (105, '90', 'CR'),                       -- cancelled while on hold
    (106, '20', null),                       -- allocated
    (107, '10', null),                       -- backordered
    (108, '20', null),                       -- released; a cancelled 3PL order has picked for it
    (109, '20', null),                       -- acknowledged by the 3PL
    (110, '20', null),                       -- being picked
    (111, '20', null),                       -- packed; a void shipment says that it left
    (112, '20', null),                       -- 6 of 10 shipped, 4 backordered
    (113, '20', null),                       -- on its way
    (114, '20', null),                       -- out for delivery
    (115, '60', 'CS'),                       -- delivered and closed, a hold forgotten
    (116, '20', null),                       -- one of two parcels delivered
    (117, '20', null),                       -- a delivery attempt failed
    (118, '20', null),                       -- delayed
    (119, '20', null),                       -- expected the day after the promise
    (120, '20', null),                       -- returned to the sender
    (121, '60', null),                       -- 7 of 10 delivered, closed short
    (122, '20', null),                       -- delivered, return authorized
    (123, '20', null),                       -- delivered, return in transit
    (124, '20', null),                       -- delivered, return received
    (125, '20', null),                       -- delivered, return restocked
    (126, '20', null),                       -- delivered, returns authorized and refunded
    (127, '20', null),                       -- posted from the ERP's own warehouse
    (128, '20', null),                       -- posted before the 3PL says that it left
    (129, '20', null),                       -- the 3PL quotes a wrong number
    (130, '20', null)                        -- 6 of 10 delivered, 4 not yet picked
) as o (ordno, ordsts, hldcd);

insert into ordlin (ordno, linno, itmno, qtyord, qtybko, qtycnl, clscd, untprc, uom)
select ordno, 1, 'SKU-1', 10, case when ordno in (107, 112) then 4 else 0 end, case ordno when 105 then 10 else 0 end,
    case ordno when 105 then 'C' when 121 then 'S' else 'O' end, 2.5, 'EA'
from ordhdr;
insert into ordlin (ordno, linno, itmno, qtyord, untprc, uom) values (116, 2, 'SKU-2', 5, 0.1, 'EA');

insert into ordhld (ordno, actcd, hldcd, usrid, hlddt) values (103, 'H', 'CR', 'ANN', '2026-03-02 09:00');
insert into alcdtl (ordno, linno, whs, qtyalc, alcdt) select ordno, 1, 'EA', 10, '2026-03-02' from ordhdr where ordno in (106, 108);
insert into pckrel select 5000 + ordno, ordno, 1, 'EA', 10, '2026-03-02' from ordhdr where ordno in (108, 129);

insert into shppst values
    (9127, 127, 'MN', null, 'FDX', 'T127', '2026-03-03 17:00'),
    (9128, 128, 'EA', 'ES128', 'UPS', 'P128', '2026-03-03 17:00'),
    (9113, 113, 'EA', 'ES113', 'UPS', 'T113', '2026-03-05 17:00'),
    (9114, 114, 'EA', 'ES113', 'UPS', 'T114', '2026-03-05 17:00');  -- names another order's shipment: one of its own
insert into shppsl values (9127, 1, 10), (9128, 1, 10), (9113, 1, 10), (9114, 1, 1);

insert into invhdr
select 8000 + ordno, ordno, 'I', invsts, '2026-03-05', '2026-04-05', case invsts when 'P' then timestamp '2026-03-09' end, amount, 'USD'
from (values
    (112, 'O', 15.00), (113, 'O', 25.00), (114, 'P', 27.50), (115, 'P', 25.00), (116, 'D', 25.50), (117, 'V', 25.00),
    (121, 'P', 17.50), (127, 'O', 20.00)
) as i (ordno, invsts, amount);
insert into invhdr values
    (8921, 121, 'C', 'O', '2026-03-09', '2026-03-09', null, 17.50, 'USD'),
    (8928, 128, 'C', 'O', '2026-03-09', '2026-03-09', null, 17.50, 'USD');  -- a credit memo alone invoices nothing
insert into invdtl values
    (8112, 1, 1, 6, 15.00), (8113, 1, 1, 10, 25.00), (8114, 1, 1, 11, 27.50), (8115, 1, 1, 10, 25.00),
    (8116, 1, 1, 10, 25.00), (8116, 2, 2, 5, 0.50), (8117, 1, 1, 10, 25.00), (8121, 1, 1, 7, 17.50), (8127, 1, 1, 8, 20.00),
    (8921, 1, 1, 7, 17.50), (8928, 1, 1, 7, 17.50);

insert into rtnhdr values
    (6122, 122, 'A', 'NW', '2026-03-10', null, null, null),
    (6123, 123, 'T', 'NW', '2026-03-10', null, null, null),
    (6124, 124, 'R', 'NW', '2026-03-10', '2026-03-12', null, null),
    (6125, 125, 'S', 'NW', '2026-03-10', '2026-03-12', '2026-03-13', null),
    (6126, 126, 'F', 'NW', '2026-03-10', '2026-03-12', '2026-03-13', '2026-03-14'),
    (6127, 126, 'A', 'NW', '2026-03-10', null, null, null);
insert into rtndtl select rmano, 1, 2 from rtnhdr;
insert into chgdtl (ordno, pstno, chgcd, chgamt, curcd, chgdt) values (113, 9113, 'FR', 8.40, 'USD', '2026-03-05');
