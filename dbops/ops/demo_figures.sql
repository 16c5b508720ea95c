-- What somebody in the office would notice first.
SELECT (SELECT coalesce(sum(total), 0) FROM invoices) AS invoiced,
       (SELECT count(*) FROM payments) AS payments,
       (SELECT coalesce(sum(amount), 0) FROM payments) AS paid;
