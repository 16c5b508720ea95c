(SELECT string_agg(
            format('%I=%L', o.option_name,
                   -- Values that look like credentials, and passwords in URLs, are hidden.
                   CASE WHEN o.option_name
                             ~* '(pass|pwd|secret|token|credential|conninfo|(api|access|private|account)_?key)'
                        THEN '(hidden)'
                        ELSE regexp_replace(o.option_value, '(://[^:/@]*):[^@]*@', '\1:(hidden)@') END),
            ', ' ORDER BY o.option_name)
 FROM pg_options_to_table(options) o)
