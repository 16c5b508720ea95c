-- Of the named extensions, those that can be made here: default version, all versions, who may create it.
SELECT e.name, e.default_version, array_agg(v.version), bool_and(v.superuser AND NOT v.trusted)
FROM pg_available_extensions e JOIN pg_available_extension_versions v USING (name)
WHERE e.name = ANY (%s)
GROUP BY 1, 2
