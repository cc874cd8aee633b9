"""codemill's model half: the shared model core, the trainers, the evaluation and the loop. It imports
`synth`, never the other way round."""
