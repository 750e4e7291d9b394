"""The Go-Live Readiness Checklist: items as data, states as a pure function of what is known."""
