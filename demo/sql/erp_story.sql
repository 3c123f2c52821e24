-- What the users and the nightly jobs of the legacy ERP write. One named statement a block.

-- name: customer_add
insert into cusmst (cusno, cusnam, curcd, crtdt, chgdt) values ($1, $2, $3, $4, $4);

-- name: ship_to_add
insert into cussht (cusno, shtno, shtnam, adr1, city, stcd, zip, ctry) values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: item_add
insert into itmmst (itmno, itmdsc, uom, lstprc) values ($1, $2, $3, $4);

-- name: balance_add
insert into invbal (itmno, whs, qtyoh, qtyal, chgdt) values ($1, $2, $3, 0, $4);

-- name: balance_set
update invbal set qtyoh = $3, qtyal = $4, chgdt = $5 where itmno = $1 and whs = $2;

-- name: order_enter
insert into ordhdr (ordno, cusno, shtno, cuspo, ordsrc, ordsts, orddt, reqdt, curcd, whs, ordnte, chgdt)
values ($1, $2, $3, $4, $5, '10', $6, $7, $8, $9, $10, $6);

-- name: line_enter
insert into ordlin (ordno, linno, itmno, qtyord, untprc, uom) values ($1, $2, $3, $4, $5, $6);

-- name: order_accept
update ordhdr set ordsts = '20', accdt = $2, prmdt = $3, chgdt = $2 where ordno = $1;

-- name: order_reject
update ordhdr set ordsts = '95', chgdt = $2 where ordno = $1;

-- name: order_cancel
update ordhdr set ordsts = '90', hldcd = null, hlddt = null, cnldt = $2, chgdt = $2 where ordno = $1;

-- name: order_complete
update ordhdr set ordsts = '60', chgdt = $2 where ordno = $1;

-- name: order_hold
update ordhdr set hldcd = $2, hlddt = $3, chgdt = $3 where ordno = $1;

-- name: order_unhold
update ordhdr set hldcd = null, hlddt = null, chgdt = $2 where ordno = $1;

-- name: order_promise
update ordhdr set prmdt = $2, chgdt = $3 where ordno = $1;

-- name: hold_log
insert into ordhld (hldid, ordno, actcd, hldcd, hldnte, usrid, hlddt) overriding system value
values ($1, $2, $3, $4, $5, $6, $7);

-- name: line_cancel
update ordlin set qtycnl = $3, qtybko = $4, clscd = $5 where ordno = $1 and linno = $2;

-- name: line_backorder
update ordlin set qtybko = $3 where ordno = $1 and linno = $2;

-- name: line_close_short
update ordlin set qtybko = 0, clscd = 'S' where ordno = $1 and linno = $2;

-- name: allocation_add
insert into alcdtl (alcid, ordno, linno, whs, qtyalc, alcdt) overriding system value values ($1, $2, $3, $4, $5, $6);

-- name: allocation_reduce
update alcdtl set qtyalc = $2 where alcid = $1;

-- name: allocation_drop
delete from alcdtl where alcid = $1;

-- name: release_add
insert into pckrel (relno, ordno, linno, whs, qtyrel, reldt) values ($1, $2, $3, $4, $5, $6);

-- name: release_reduce
update pckrel set qtyrel = $3 where relno = $1 and linno = $2;

-- name: release_drop
delete from pckrel where relno = $1 and linno = $2;

-- name: posting_add
insert into shppst (pstno, ordno, whs, whsref, carcd, trkno, shpdt) values ($1, $2, $3, $4, $5, $6, $7);

-- name: posting_line_add
insert into shppsl (pstno, linno, qtyshp) values ($1, $2, $3);

-- name: posting_mend
update shppst set whsref = $2 where pstno = $1;

-- name: charge_add
insert into chgdtl (chgid, ordno, pstno, chgcd, chgamt, curcd, chgdt) overriding system value
values ($1, $2, $3, $4, $5, $6, $7);

-- name: invoice_add
insert into invhdr (invno, ordno, invtyp, invsts, invdt, duedt, paydt, invamt, curcd)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: invoice_line_add
insert into invdtl (invno, seqno, linno, qtyinv, extamt) values ($1, $2, $3, $4, $5);

-- name: invoice_pay
update invhdr set invsts = 'P', paydt = $2 where invno = $1;

-- name: invoice_dispute
update invhdr set invsts = 'D' where invno = $1;

-- name: invoice_void
update invhdr set invsts = 'V' where invno = $1;

-- name: return_add
insert into rtnhdr (rmano, ordno, rtnsts, rsncd, autdt) values ($1, $2, $3, $4, $5);

-- name: return_line_add
insert into rtndtl (rmano, linno, qtyrtn) values ($1, $2, $3);

-- name: return_transit
update rtnhdr set rtnsts = 'T' where rmano = $1;

-- name: return_receive
update rtnhdr set rtnsts = 'R', rcvdt = $2 where rmano = $1;

-- name: return_restock
update rtnhdr set rtnsts = 'S', stkdt = $2 where rmano = $1;

-- name: return_refund
update rtnhdr set rtnsts = 'F', rfddt = $2 where rmano = $1;
