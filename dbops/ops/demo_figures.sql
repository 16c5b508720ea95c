-- What somebody in the office would notice first.
SELECT (SELECT sum(total) FROM invoices) AS invoiced,
       (SELECT count(*) FROM payments) AS payments,
       (SELECT sum(amount) FROM payments) AS paid,
       (SELECT count(*) FROM ledger_entries WHERE payment_id IS NULL) AS ledger_without_payment;
