"""The functions of templates, one group a module; `table` lists every name."""
