"""The fault lab: a courthouse, its county and a datacenter in network namespaces, and what may go wrong there."""
