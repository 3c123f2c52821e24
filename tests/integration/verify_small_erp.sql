-- One order, 42, with something in every table.
insert into cusmst (cusno, cusnam, crtdt, chgdt) values (7, 'Prairie Hardware', '2026-01-01', '2026-01-01');
insert into cussht values (7, 1, 'Dock', '1 Main St', 'Peoria', 'IL', '61602', 'US');
insert into itmmst (itmno, itmdsc, lstprc) values ('SKU-1', 'Hinge', 2.5);
insert into invbal values ('SKU-1', 'EA', 100, 20, '2026-03-01'), ('SKU-1', 'MN', 50, 0, '2026-03-01');
insert into ordhdr (ordno, cusno, shtno, cuspo, ordsrc, ordsts, orddt, accdt, reqdt, prmdt, chgdt)
values (42, 7, 1, 'PO-42', 'ED', '20', '2026-07-01 08:00', '2026-07-01 10:00', '2026-07-19', '2026-07-20', '2026-07-02');
insert into ordlin (ordno, linno, itmno, qtyord, untprc, uom) values (42, 1, 'SKU-1', 10, 2.5, 'EA');
insert into ordhld (hldid, ordno, actcd, usrid, hlddt) overriding system value values (3, 42, 'R', 'ANN', '2026-07-01 09:00');
insert into shppst values (9042, 42, 'EA', 'ES42', 'UPS', 'T42', '2026-07-03 17:00');
insert into shppsl values (9042, 1, 10);
insert into invhdr values (8042, 42, 'I', 'P', '2026-07-05', '2026-08-05', '2026-07-09', 25.00, 'USD');
insert into invdtl values (8042, 1, 1, 10, 25.00);
insert into rtnhdr values (6042, 42, 'A', 'NW', '2026-07-10', null, null, null);
insert into rtndtl values (6042, 1, 2);
insert into chgdtl (chgid, ordno, chgcd, chgamt, curcd, chgdt) overriding system value values (4, 42, 'FR', 8.40, 'USD', '2026-07-05');
