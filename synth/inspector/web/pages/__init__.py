"""The pages, one module each. A module states its `PAGES`; `synth.inspector.web.app` finds it by being
here."""
