-- Subscriptions of this database, without the connection string: it may hold a password and most roles may not read it.
-- Only columns that every role may read are named (so no to_jsonb of the row, and subsynccommit from 14 on); those that
-- a server does not have fall through to the outer query's NULLs. Whether it is enabled is left out: a dump always
-- restores it disabled, so that the copy does not begin to receive (pg_dump.c, dumpSubscription). It keeps no more of
-- two_phase than on or off.
SELECT s.*
FROM (SELECT NULL::text AS subbinary,
             NULL::text AS substream,
             NULL::text AS subtwophasestate,
             NULL::text AS subdisableonerr,
             NULL::text AS subpasswordrequired,
             NULL::text AS subrunasowner,
             NULL::text AS suborigin,
             NULL::text AS subfailover) older
CROSS JOIN LATERAL (
    SELECT quote_ident(subname),
           concat_ws(E'\n',
               'subscription',
               'slot ' || quote_ident(subslotname),
               'publications ' || (SELECT string_agg(quote_ident(p), ', ' ORDER BY p) FROM unnest(subpublications) p),
               'synchronous commit ' || subsynccommit, -- since 14
               'subbinary ' || subbinary::text,
               'substream ' || substream::text,
               'two phase ' || nullif(subtwophasestate::text <> 'd', false),
               'subdisableonerr ' || subdisableonerr::text,
               'subpasswordrequired ' || subpasswordrequired::text,
               'subrunasowner ' || subrunasowner::text,
               'suborigin ' || suborigin::text,
               'subfailover ' || subfailover::text)
    FROM pg_catalog.pg_subscription
    WHERE subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
) s
