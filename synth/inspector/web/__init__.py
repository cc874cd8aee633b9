"""The pages of the inspector: routes, safety, rendering, charts, and one module a page."""
