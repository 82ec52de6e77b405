"""Go text/template. Pure, sandboxed, knows no Kubernetes."""

from sealbridge.templates.template import Template

__all__ = ["Template"]
