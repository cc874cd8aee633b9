"""How a request becomes processes: plans, builds, resident compilers, warm interpreters. The one rule:
programs know no scheduler."""
