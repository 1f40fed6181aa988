"""The administrators' pages: role requests, accounts and the audit trail."""
