"""The plan of a recipe: what each of its phases will take, before anything starts. The one rule: each figure
says what it is, exact, at most or an estimate, and an estimate says what it rests on; what nothing speaks for
is not known, and said to be so."""
