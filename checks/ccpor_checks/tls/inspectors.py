"""Names by which products that open TLS on the way sign the certificates they make.

Compared, lower case, with the issuers' subject names of a chain, never with the leaf's own: the
vendors have ordinary web sites too. Companies that also ran public authorities are listed by
product name only.
"""

from __future__ import annotations

INSPECTING_ISSUERS: tuple[tuple[str, str], ...] = (
    ("zscaler", "Zscaler"),
    ("netskope", "Netskope"),
    ("goskope", "Netskope"),
    ("fortinet", "Fortinet"),
    ("fortigate", "Fortinet FortiGate"),
    ("palo alto networks", "Palo Alto Networks"),
    ("forward trust", "Palo Alto Networks (forward trust)"),
    ("blue coat", "Blue Coat / Symantec ProxySG"),
    ("bluecoat", "Blue Coat / Symantec ProxySG"),
    ("proxysg", "Blue Coat / Symantec ProxySG"),
    ("symantec web security", "Symantec Web Security Service"),
    ("cisco umbrella", "Cisco Umbrella"),
    ("cisco secure access", "Cisco Secure Access"),
    ("ironport", "Cisco Secure Web Appliance"),
    ("firepower", "Cisco Firepower"),
    ("sophos", "Sophos"),
    ("cyberoam", "Sophos Cyberoam"),
    ("astaro", "Sophos UTM"),
    ("squid", "Squid"),
    ("mitmproxy", "mitmproxy"),
    ("portswigger", "Burp"),
    ("fiddler", "Fiddler"),
    ("charles proxy", "Charles"),
    ("checkpoint", "Check Point"),
    ("check point", "Check Point"),
    ("sonicwall", "SonicWall"),
    ("watchguard", "WatchGuard"),
    ("barracuda", "Barracuda"),
    ("forcepoint", "Forcepoint"),
    ("websense", "Forcepoint Websense"),
    ("mcafee web gateway", "Skyhigh (McAfee) Web Gateway"),
    ("skyhigh", "Skyhigh"),
    ("iboss", "iboss"),
    ("menlo security", "Menlo Security"),
    ("smoothwall", "Smoothwall"),
    ("lightspeed", "Lightspeed"),
    ("contentkeeper", "ContentKeeper"),
    ("securly", "Securly"),
    ("untangle", "Untangle"),
    ("opnsense", "OPNsense"),
    ("pfsense", "pfSense"),
    ("juniper networks", "Juniper"),
    ("cloudflare for teams", "Cloudflare Gateway"),
    ("gateway ca - cloudflare", "Cloudflare Gateway"),
    ("cato networks", "Cato Networks"),
    ("f5 ssl orchestrator", "F5 SSL Orchestrator"),
    ("a10 networks", "A10 SSL Insight"),
    ("gigamon", "Gigamon"),
    ("kaspersky", "Kaspersky"),
    ("eset ssl filter", "ESET"),
    ("bitdefender", "Bitdefender"),
    ("avast", "Avast"),
    ("avg technologies", "AVG"),
    ("superfish", "Superfish"),
    ("ssl inspection", "an inspecting proxy"),
    ("tls inspection", "an inspecting proxy"),
    ("https inspection", "an inspecting proxy"),
    ("inspection root", "an inspecting proxy"),
    ("inspection ca", "an inspecting proxy"),
    ("ssl decrypt", "an inspecting proxy"),
    ("tls decrypt", "an inspecting proxy"),
    ("ssl-decrypt", "an inspecting proxy"),
    ("ssl proxy", "an inspecting proxy"),
)


def inspecting_product(names: tuple[str, ...]) -> str | None:
    """Return the product that one of *names* (RFC 4514) belongs to; None for all others."""
    for name in names:
        lowered = name.lower()
        for mark, product in INSPECTING_ISSUERS:
            if mark in lowered:
                return product
    return None
