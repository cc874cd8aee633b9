"""Lua 5.4: called by lua/driver.lua; lists, tuples and maps are tables."""

from synth.languages.spec import ConformancePrograms, Driver, Gold, Language, parameter_names, read_driver
from synth.languages.support import controls
from synth.languages.support.scripting import LUA
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`function solve(xs, k)`."""
    return f"function {entry_point}({', '.join(parameter_names(names, signature))})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.lua": code, "driver.lua": read_driver("lua/driver.lua")}


LANGUAGE = Language(
    name="lua",
    file_name="main.lua",
    tools=("lua5.4",),
    version_arguments=("-v",),
    install="apt-get install -y lua5.4",
    grammar="lua",
    run_command=("{lua5.4}", "main.lua"),
    driver=Driver(
        files=_files,
        run_command=("/bin/sh", "-c", 'exec "$0" driver.lua 1>&3 3>&-', "{lua5.4}"),
        unsupported_values=frozenset({"null in lists"}),
    ),
    script=LUA,
    render_signature=render_signature,
    gold=Gold(
        (
            "function solve(xs)\n  local total = 0\n  for _, x in ipairs(xs) do total = total + x end\n  "
            "return total\nend\n"
        ),
        ("l3 i1 i2 i3",),
        "i6",
    ),
    controls=controls.LUA,
    hello="""local total = 0
for word in io.read("a"):gmatch("%S+") do
  total = total + math.tointeger(tonumber(word))
end
print(total)
""",
    samples=ConformancePrograms(
        wrong="function solve(xs) return #xs end\n",
        hanging="local function solve(xs) while true do end end\n",
        crashing="function solve(xs) return xs.nothing.here end\n",
        broken="function solve(",
        identity="\n  return x\nend\n",
        mutator="function solve(xs, k) xs[#xs + 1] = k return xs end\n",
        honest="local function solve(x) return x * x + 7 end\n",
    ),
)
