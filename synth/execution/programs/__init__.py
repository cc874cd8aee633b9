"""How a request becomes processes, and their results an observation: plans, builds, resident compilers, warm
interpreters. The one rule: programs know no scheduler."""
