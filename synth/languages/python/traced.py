"""Which steps a Python function takes on an input: the program with a function that answers with them.

Place in the flow: the search for inputs asks for steps never taken before. The one rule: the answers guide
the search and nothing else, so a program that tampers with its tracing only finds worse tests for itself.
"""

ENTRY_POINT = "codemill_steps"

_TRACER = '''

def codemill_steps(*arguments):
    """The steps from line to line, each as one number."""
    import sys

    called, steps = ENTRY, set()
    own = codemill_steps.__code__.co_filename

    def begin(frame, event, argument):
        if frame.f_code.co_filename != own:
            return None
        before = frame.f_code.co_firstlineno

        def step(frame, event, argument):
            nonlocal before
            if event == "line" or event == "return":
                now = frame.f_lineno if event == "line" else 0
                steps.add(before * 20000 + now)
                before = now
            elif event == "exception":
                steps.add(-frame.f_lineno)
            return step

        return step

    sys.settrace(begin)
    try:
        called(*arguments)
    except Exception:
        pass
    finally:
        sys.settrace(None)
    return sorted(steps)[:1000]
'''


def with_steps(code: str, entry_point: str) -> str:
    """The program with `codemill_steps`, which takes the arguments of the entry point and returns a list of
    ints."""
    return code + _TRACER.replace("ENTRY", entry_point)
