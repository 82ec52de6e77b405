"""Go text/template. Pure, sandboxed, knows no Kubernetes."""

from sealbridge.templates.go.values import string_map
from sealbridge.templates.template import Template

__all__ = ["Template", "string_map"]
