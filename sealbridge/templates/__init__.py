"""Go text/template. Pure, sandboxed, knows no Kubernetes."""
