"""Which cards serve and which train: the decision (`rules`, `trainings`) and the machine (`machine`)."""
