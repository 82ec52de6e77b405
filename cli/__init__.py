"""The command line: one module a command. Installed as `sealbridge_cli`."""
