"""TLS: which protocol, cipher and certificates does a target show to this workstation?"""

from ccpor_checks.tls.check import CHECK
from ccpor_checks.tls.evidence import TlsEvidence, TlsOptions

__all__ = ["CHECK", "TlsEvidence", "TlsOptions"]
