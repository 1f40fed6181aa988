"""The pages, one module each: plain functions whose control flow is all on the page."""
