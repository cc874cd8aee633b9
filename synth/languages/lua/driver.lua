-- The Lua driver: calls one function of a program on each input and writes the results to a private descriptor.
--
-- It runs inside the sandbox: the program beside it in solution.lua, the request on stdin. Lua can open no descriptor, so the shell
-- that starts it makes the channel its stdout, and what the program prints goes to stderr. Lines in and out are described in
-- docs/architecture/execution.md. Lua has one kind of number for most purposes and one table, so the signature's result type decides
-- whether an integral number is an int or a float, and what a table is. What matters is kept in locals before the program is loaded.

local format, sub, gsub, byte, char, find = string.format, string.sub, string.gsub, string.byte, string.char, string.find
local concat, unpack, tointeger, mathtype, huge = table.concat, table.unpack, math.tointeger, math.type, math.huge
local type, pairs, next, pcall, tostring, tonumber, load, error, exit = type, pairs, next, pcall, tostring, tonumber, load, error, os.exit
local getmetatable, setmetatable, rawget, rawlen = getmetatable, setmetatable, rawget, rawlen
local channel, errors, open = io.stdout, io.stderr, io.open
local ANY = {tag = "?"}

local function split(text, separator)
  local parts, start = {}, 1
  if text == "" then return parts end
  while true do
    local at = find(text, separator, start, true)
    parts[#parts + 1] = sub(text, start, at and at - 1)
    if not at then return parts end
    start = at + 1
  end
end

-- types: prefix tokens, `l t2 i s` for list[tuple[int, str]]
local function read_kind(tokens, at)
  local token = tokens[at]
  local tag = sub(token, 1, 1)
  local count = tag == "t" and tonumber(sub(token, 2)) or tag == "m" and 2 or tag == "l" and 1 or 0
  local kind = {tag = tag}
  at = at + 1
  for i = 1, count do kind[i], at = read_kind(tokens, at) end
  return kind, at
end

-- values in

local FLOATS = {nan = 0.0 / 0.0, inf = huge, ["-inf"] = -huge}

local function decode_int(text)
  local value = tonumber(text)
  if mathtype(value) ~= "integer" then error("the integer " .. text .. " does not fit 64 bits", 0) end
  return value
end

local function from_hex(hex) return (gsub(hex, "%x%x", function(two) return char(tonumber(two, 16)) end)) end

local function decode(tokens, at)
  local token = tokens[at]
  local tag, rest = sub(token, 1, 1), sub(token, 2)
  at = at + 1
  if tag == "i" then return decode_int(rest), at end
  if tag == "f" then return FLOATS[rest] or tonumber(rest), at end
  if tag == "s" then return from_hex(rest), at end
  if tag == "b" then return rest == "1", at end
  if tag == "n" then return nil, at end
  local items = {}
  for i = 1, tonumber(rest) do
    local key = i
    if tag == "m" then key, at = decode(tokens, at) end
    items[key], at = decode(tokens, at)
  end
  return items, at
end

-- values out

local function encode_number(value, tag)
  local integer = tag ~= "f" and (mathtype(value) == "integer" or tag == "i") and tointeger(value)
  if integer then return format("i%d", integer) end
  if value ~= value then return "fnan" end
  if value == huge or value == -huge then return value > 0 and "finf" or "f-inf" end
  return format("f%.17g", value)
end

local function to_hex(text) return (gsub(text, ".", function(one) return format("%02x", byte(one)) end)) end

local encode

local function encode_table(value, kind, out)
  local size = 0
  for _ in next, value do size = size + 1 end
  if kind.tag == "m" or (kind.tag ~= "t" and size ~= rawlen(value)) then
    out[#out + 1] = "m" .. size
    for key, item in next, value do
      encode(key, kind[1] or ANY, out)
      encode(item, kind[2] or ANY, out)
    end
    return
  end
  local length = kind.tag == "t" and #kind > size and #kind or size
  out[#out + 1] = (kind.tag == "t" and "t" or "l") .. length
  for i = 1, length do encode(rawget(value, i), kind[kind.tag == "t" and i or 1] or ANY, out) end
end

function encode(value, kind, out)
  local found = type(value)
  if found == "nil" then out[#out + 1] = "n"
  elseif found == "boolean" then out[#out + 1] = value and "b1" or "b0"
  elseif found == "number" then out[#out + 1] = encode_number(value, kind.tag)
  elseif found == "string" then out[#out + 1] = "s" .. to_hex(value)
  elseif found == "table" then encode_table(value, kind, out)
  else error("a value of type " .. found .. " is not language-neutral", 0) end
end

-- the run

local function describe(problem) return to_hex(sub(tostring(problem), 1, 300)) end

local function result(target, line, kind)
  local called, value = pcall(function()
    local arguments, parts = {}, split(line, "\t")
    for i = 1, #parts do arguments[i] = decode(split(parts[i], " "), 1) end
    return (target(unpack(arguments, 1, #parts)))
  end)
  if not called then return "raised " .. describe(value) end
  local out = {}
  local written, problem = pcall(encode, value, kind, out)
  return written and "returned " .. concat(out, " ") or "unreadable " .. describe(problem)
end

local function read_program()
  local file = open("solution.lua", "rb")
  local code = gsub(file:read("a"), "^#[^\n]*", "")
  file:close()
  return code
end

-- A function that is local to the program's text is seen only from its end.
local function load_program(send, entry_point)
  local code = read_program()
  local chunk = load(code .. "\nreturn " .. entry_point, "=solution.lua", "t")
  local problem
  if not chunk then chunk, problem = load(code, "=solution.lua", "t") end
  if not chunk then
    send("parse_error " .. describe(problem))
    exit(1)
  end
  local found = chunk()
  if type(found) == "table" then found = found[entry_point] end
  found = found or _G[entry_point]
  if type(found) ~= "function" then error("the program defines no function '" .. entry_point .. "'", 0) end
  return found
end

local function main()
  local lines = split(io.read("a"), "\n")
  local nonce, entry_point, result_type, count = lines[1], lines[2], lines[4], tonumber(lines[5])
  local write, flush = channel.write, channel.flush
  local function send(text)
    write(channel, nonce, " ", text, "\n")
    flush(channel)
  end
  io.output(errors)
  io.stdout = errors
  function print(...)
    local words = {}
    for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
    errors:write(concat(words, "\t"), "\n")
  end
  local target = load_program(send, entry_point)
  local kind = read_kind(split(result_type, " "), 1)
  for i = 0, count - 1 do send(i .. " " .. result(target, lines[6 + i], kind)) end
  send("finished")
  exit(0, false)
end

main()
