"""Go text/template. Pure, sandboxed, knows no Kubernetes."""

from sealbridge.templates.template import Template
from sealbridge.templates.values import string_map

__all__ = ["Template", "string_map"]
