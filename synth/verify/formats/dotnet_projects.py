"""What a project of .NET gives its C# programs: benchmarks that run `dotnet run` in one rely on it.

Place in the flow: McEval's and MdEval's programs get it before them. The one rule: these are the implicit
usings of the SDK for console programs, less `System.Net.Http`, which not every compiler has at hand.
"""

from typing import Final

_NAMESPACES: Final = (
    "System",
    "System.Collections.Generic",
    "System.IO",
    "System.Linq",
    "System.Threading",
    "System.Threading.Tasks",
)
IMPLICIT_USINGS: Final = "".join(f"using {name};\n" for name in _NAMESPACES)
