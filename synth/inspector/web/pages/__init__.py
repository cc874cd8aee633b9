"""The pages, one module each. A module states its `PAGES`; `synth.inspector.web.registry` finds it by being
here."""
