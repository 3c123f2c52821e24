-- What the administrator of Tryton's database does. It is published once it is filled, and thus known to be whole.

-- name: captured
select exists (select from pg_publication where pubname = 'milepost_tryton');

-- name: discard
drop database if exists tryton with (force);

-- name: publish
grant usage on schema public to milepost_capture;
grant select on all tables in schema public to milepost_capture;
create publication milepost_tryton for table
    party_party, party_address, product_product, sale_sale, sale_line,
    stock_shipment_out, stock_move, stock_package, account_invoice, account_invoice_line;
