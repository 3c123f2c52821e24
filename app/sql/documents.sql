-- name: put_documents
insert into gateway.document (id, text) select * from unnest($1::text[], $2::text[])
on conflict (id) do update set text = excluded.text, synced_at = now() where document.text <> excluded.text
returning id

-- name: withdraw_documents
delete from gateway.document where id <> all($1::text[]) returning id
