-- What the running release asks of its database: each must still work after a migration.
SELECT id, name FROM customers ORDER BY name;
SELECT id, issued_on, total FROM invoices WHERE customer_id = :customer;
INSERT INTO invoices (customer_id, issued_on, total) VALUES (:customer, :issued_on, :total);
