"""Lua 5.4: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.scripting import LUA
from synth.languages.spec import Language

LANGUAGE = Language(
    name="lua",
    file_name="main.lua",
    tools=("lua5.4",),
    version_arguments=("-v",),
    install="apt-get install -y lua5.4",
    grammar="lua",
    run_command=("{lua5.4}", "main.lua"),
    script=LUA,
    hello="""local total = 0
for word in io.read("a"):gmatch("%S+") do
  total = total + math.tointeger(tonumber(word))
end
print(total)
""",
)
