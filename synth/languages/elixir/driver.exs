# The Elixir driver: calls one function of a program on each input and writes the results to a private descriptor.
#
# It runs inside the sandbox, the program beside it in solution.ex, the request on stdin. Lines in and out are described in
# docs/architecture/execution.md. Every value has one natural type here, so results are written as what they are.
defmodule CodemillDriver do
  # --- values in: what was read, and the tokens that are left ---

  defp float("-" <> text), do: -float(text)

  defp float(text) do
    {mantissa, exponent} =
      case String.split(text, "e") do
        [mantissa, exponent] -> {mantissa, "e" <> exponent}
        [mantissa] -> {mantissa, ""}
      end

    mantissa = if String.contains?(mantissa, "."), do: mantissa, else: mantissa <> ".0"
    :erlang.binary_to_float(mantissa <> exponent)
  end

  defp many(0, tokens, made), do: {Enum.reverse(made), tokens}

  defp many(left, tokens, made) do
    {item, tokens} = decode(tokens)
    many(left - 1, tokens, [item | made])
  end

  defp decode(["i" <> text | tokens]), do: {String.to_integer(text), tokens}
  defp decode(["f" <> text | tokens]), do: {float(text), tokens}
  defp decode(["s" <> text | tokens]), do: {Base.decode16!(text, case: :lower), tokens}
  defp decode(["b" <> text | tokens]), do: {text == "1", tokens}
  defp decode(["n" | tokens]), do: {nil, tokens}
  defp decode(["l" <> size | tokens]), do: many(String.to_integer(size), tokens, [])

  defp decode(["t" <> size | tokens]) do
    {items, tokens} = many(String.to_integer(size), tokens, [])
    {List.to_tuple(items), tokens}
  end

  defp decode(["m" <> size | tokens]) do
    {items, tokens} = many(2 * String.to_integer(size), tokens, [])
    {items |> Enum.chunk_every(2) |> Map.new(fn [key, item] -> {key, item} end), tokens}
  end

  # --- values out ---

  defp hex(text), do: Base.encode16(text, case: :lower)

  defp encode(nil), do: ["n"]
  defp encode(true), do: ["b1"]
  defp encode(false), do: ["b0"]
  defp encode(value) when is_integer(value), do: ["i" <> Integer.to_string(value)]
  defp encode(value) when is_float(value), do: ["f" <> :erlang.float_to_binary(value, [:short])]
  defp encode(value) when is_binary(value), do: ["s" <> hex(value)]
  defp encode(value) when is_list(value), do: ["l#{length(value)}" | Enum.flat_map(value, &encode/1)]
  defp encode(value) when is_tuple(value), do: ["t#{tuple_size(value)}" | Enum.flat_map(Tuple.to_list(value), &encode/1)]
  defp encode(%{__struct__: name}), do: raise(ArgumentError, "a struct #{inspect(name)} is not language-neutral")

  defp encode(value) when is_map(value) do
    ["m#{map_size(value)}" | Enum.flat_map(Map.to_list(value), fn {key, item} -> encode(key) ++ encode(item) end)]
  end

  defp encode(value), do: raise(ArgumentError, "#{inspect(value)} is not language-neutral")

  # --- the run ---

  defp describe(kind, problem), do: Exception.format_banner(kind, problem) |> String.slice(0, 300) |> hex()

  defp call(module, name, line) do
    parts = if line == "", do: [], else: String.split(line, "\t")
    arguments = Enum.map(parts, fn part -> part |> String.split(" ") |> decode() |> elem(0) end)
    {:returned, apply(module, name, arguments)}
  catch
    kind, problem -> {:raised, describe(kind, problem)}
  end

  defp result(module, name, line) do
    case call(module, name, line) do
      {:raised, text} -> "raised " <> text
      {:returned, value} -> "returned " <> Enum.join(encode(value), " ")
    end
  catch
    kind, problem -> "unreadable " <> describe(kind, problem)
  end

  defp check_text(code, send) do
    case Code.string_to_quoted(code) do
      {:ok, _} ->
        :ok

      {:error, {_, message, token}} ->
        send.("parse_error " <> hex("#{inspect(message)} #{inspect(token)}"))
        System.halt(1)
    end
  end

  def main do
    [nonce, entry_point, parameters, _, count | cases] = String.split(File.read!("/dev/stdin"), "\n")
    port = Port.open({:fd, 3, 3}, [:out, :binary])
    send = fn text -> Port.command(port, nonce <> " " <> text <> "\n") end
    code = File.read!("solution.ex")
    check_text(code, send)
    modules = for {module, _} <- Code.compile_string(code, "solution.ex"), do: module
    name = String.to_atom(entry_point)
    arity = if parameters == "", do: 0, else: length(String.split(parameters, "\t"))
    module = Enum.find(modules, &function_exported?(&1, name, arity)) || raise "the program defines no function #{name}/#{arity}"

    cases
    |> Enum.take(String.to_integer(count))
    |> Enum.with_index()
    |> Enum.each(fn {line, index} -> send.("#{index} " <> result(module, name, line)) end)

    send.("finished")
    System.halt(0)
  end
end

CodemillDriver.main()
