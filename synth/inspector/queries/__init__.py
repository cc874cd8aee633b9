"""The queries behind the pages and their terminal twins: one module a page. The one rule: they speak records,
never the words of a page or of the command line."""
