"""The collector: receives signed reports, keeps them, fills the checklist, shows it."""
