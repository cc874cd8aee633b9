"""How well agreement finds the right behaviour among voters whose truth is known."""
