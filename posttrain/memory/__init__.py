"""What trainings and engines take of a card's memory, predicted from the shape of the model and the recipe.

Place in the flow: `config.json` -> `shapes` -> `training` and `engine` -> placement, and the plan of a run.
The one rule: nothing here imports torch or asks a card; all figures are bytes, in named parts.
"""
