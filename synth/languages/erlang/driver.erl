%% The Erlang driver: calls one function of a program on each input and writes the results to a private descriptor.
%%
%% It is compiled once and runs beside the program's module. Lines in and out are described in docs/architecture/execution.md. Text is
%% a list of characters, and a binary may come back too: the signature's result type says what a list is.
-module(codemill).
-export([main/0]).

%% --- types: prefix tokens, `l t2 i s` for list[tuple[int, str]] ---

read_kind([[$t | Size] | Tokens]) -> read_inner($t, list_to_integer(Size), Tokens);
read_kind(["m" | Tokens]) -> read_inner($m, 2, Tokens);
read_kind(["l" | Tokens]) -> read_inner($l, 1, Tokens);
read_kind([[Tag] | Tokens]) -> {{Tag, []}, Tokens}.

read_inner(Tag, Size, Tokens) ->
    {Inner, Rest} = many(Size, fun read_kind/1, Tokens),
    {{Tag, Inner}, Rest}.

many(0, _, Tokens) -> {[], Tokens};
many(Left, Read, Tokens) ->
    {Item, Rest} = Read(Tokens),
    {Items, End} = many(Left - 1, Read, Rest),
    {[Item | Items], End}.

inner({$l, [Kind]}, _) -> Kind;
inner({_, Inner}, Index) when Index =< length(Inner) -> lists:nth(Index, Inner);
inner(_, _) -> {$?, []}.

%% --- text: UTF-8 in hex, lone surrogates as three bytes ---

bytes([High, Low | Rest]) -> [list_to_integer([High, Low], 16) | bytes(Rest)];
bytes([]) -> [].

text([B | Rest]) when B < 16#80 -> [B | text(Rest)];
text([B, C | Rest]) when B < 16#e0 -> [((B band 16#1f) bsl 6) bor (C band 63) | text(Rest)];
text([B, C, D | Rest]) when B < 16#f0 -> [((B band 15) bsl 12) bor ((C band 63) bsl 6) bor (D band 63) | text(Rest)];
text([B, C, D, E | Rest]) -> [((B band 7) bsl 18) bor ((C band 63) bsl 12) bor ((D band 63) bsl 6) bor (E band 63) | text(Rest)];
text([]) -> [].

utf8(P) when P < 16#80 -> [P];
utf8(P) when P < 16#800 -> [16#c0 bor (P bsr 6), low(P)];
utf8(P) when P < 16#10000 -> [16#e0 bor (P bsr 12), low(P bsr 6), low(P)];
utf8(P) -> [16#f0 bor (P bsr 18), low(P bsr 12), low(P bsr 6), low(P)].

low(P) -> 16#80 bor (P band 63).

hex(Bytes) -> lists:flatten([io_lib:format("~2.16.0b", [Byte]) || Byte <- Bytes]).

%% --- values in ---

float_of([$- | Text]) -> -float_of(Text);
float_of(Text) ->
    {Mantissa, Exponent} = lists:splitwith(fun(C) -> C =/= $e end, Text),
    Whole = case lists:member($., Mantissa) of true -> Mantissa; false -> Mantissa ++ ".0" end,
    list_to_float(Whole ++ Exponent).

decode([[$i | Text] | Tokens]) -> {list_to_integer(Text), Tokens};
decode([[$f | Text] | Tokens]) -> {float_of(Text), Tokens};
decode([[$s | Text] | Tokens]) -> {text(bytes(Text)), Tokens};
decode(["b1" | Tokens]) -> {true, Tokens};
decode(["b0" | Tokens]) -> {false, Tokens};
decode(["n" | Tokens]) -> {null, Tokens};
decode([[$l | Size] | Tokens]) -> many(list_to_integer(Size), fun decode/1, Tokens);
decode([[$t | Size] | Tokens]) ->
    {Items, Rest} = many(list_to_integer(Size), fun decode/1, Tokens),
    {list_to_tuple(Items), Rest};
decode([[$m | Size] | Tokens]) ->
    {Pairs, Rest} = many(list_to_integer(Size), fun pair/1, Tokens),
    {maps:from_list(Pairs), Rest}.

pair(Tokens) ->
    {Key, Rest} = decode(Tokens),
    {Item, End} = decode(Rest),
    {{Key, Item}, End}.

%% --- values out ---

encode(null, _) -> ["n"];
encode(undefined, _) -> ["n"];
encode(true, _) -> ["b1"];
encode(false, _) -> ["b0"];
encode(ok, {$n, _}) -> ["n"];
encode(Value, _) when is_integer(Value) -> ["i" ++ integer_to_list(Value)];
encode(Value, _) when is_float(Value) -> ["f" ++ float_to_list(Value, [short])];
encode(Value, _) when is_binary(Value) -> ["s" ++ hex(binary_to_list(Value))];
encode(Value, {$s, _}) when is_list(Value) -> ["s" ++ hex(lists:flatmap(fun utf8/1, lists:flatten(Value)))];
encode(Value, Kind) when is_list(Value) -> ["l" ++ integer_to_list(length(Value)) | items(Value, Kind)];
encode(Value, Kind) when is_tuple(Value) -> ["t" ++ integer_to_list(tuple_size(Value)) | items(tuple_to_list(Value), Kind)];
encode(Value, Kind) when is_map(Value) ->
    Entries = [encode(Key, inner(Kind, 1)) ++ encode(Item, inner(Kind, 2)) || {Key, Item} <- maps:to_list(Value)],
    ["m" ++ integer_to_list(map_size(Value)) | lists:append(Entries)];
encode(Value, _) -> error({not_language_neutral, Value}).

items(Items, Kind) ->
    lists:append([encode(Item, inner(Kind, Index)) || {Index, Item} <- lists:zip(lists:seq(1, length(Items)), Items)]).

%% --- the run ---

describe(Class, Problem) ->
    hex(lists:flatmap(fun utf8/1, lists:sublist(lists:flatten(io_lib:format("~p: ~p", [Class, Problem])), 300))).

call(Name, Line) ->
    Parts = case Line of "" -> []; _ -> string:split(Line, "\t", all) end,
    Arguments = [element(1, decode(string:split(Part, " ", all))) || Part <- Parts],
    try {returned, apply(solution, Name, Arguments)}
    catch Class:Problem -> {raised, describe(Class, Problem)}
    end.

result(Name, Line, Kind) ->
    try call(Name, Line) of
        {raised, Text} -> "raised " ++ Text;
        {returned, Value} -> lists:append(lists:join(" ", ["returned" | encode(Value, Kind)]))
    catch
        Class:Problem -> "unreadable " ++ describe(Class, Problem)
    end.

main() ->
    {ok, Request} = file:read_file("/dev/stdin"),
    [Nonce, Name, _, Type, Count | Cases] = string:split(binary_to_list(Request), "\n", all),
    Port = open_port({fd, 3, 3}, [out, binary]),
    Send = fun(Text) -> port_command(Port, [Nonce, " ", Text, "\n"]) end,
    {Kind, []} = read_kind(string:split(Type, " ", all)),
    Chosen = lists:sublist(Cases, list_to_integer(Count)),
    {module, solution} = code:load_file(solution),
    [Send([integer_to_list(Index), " ", result(list_to_atom(Name), Line, Kind)]) || {Index, Line} <- lists:zip(lists:seq(0, length(Chosen) - 1), Chosen)],
    Send("finished"),
    erlang:halt(0).
