"""Operations of the pocket world over strings, lists of words and maps from words to numbers."""

from collections.abc import Callable

from posttrain.pocket.operation import LANGUAGES, Operation

_VOWELS = "aeiou"


def _op(
    name: str,
    types: str,
    english: tuple[str, ...],
    chinese: tuple[str, ...],
    run: Callable[..., object],
    *code: str,
    constants: tuple[str, ...] = (),
    family: str = "",
) -> Operation:
    source, target = types[0], types[1]
    texts = {language: (text,) for language, text in zip(LANGUAGES, code, strict=True)}
    return Operation(name, source, target, english, chinese, run, texts, constants, family)  # type: ignore[arg-type]


_STRINGS = (
    _op("upper", "SS", ("convert to upper case", "make it upper case"), ("转成大写",), str.upper,
        "{x}.upper()", "{x}.toUpperCase()", "{x}.toUpperCase()", "!for (auto& c : {x}) c = toupper(c);", family="case"),
    _op("lower", "SS", ("convert to lower case", "make it lower case"), ("转成小写",), str.lower,
        "{x}.lower()", "{x}.toLowerCase()", "{x}.toLowerCase()", "!for (auto& c : {x}) c = tolower(c);", family="case"),
    _op("mirror", "SS", ("reverse the string", "write it backwards"), ("反转字符串", "倒过来写"), lambda s: s[::-1],
        "{x}[::-1]", "[...{x}].reverse().join('')", "new StringBuilder({x}).reverse().toString()", "!reverse({x}.begin(), {x}.end());", family="case"),
    _op("prefix", "SS", ("take the first {k} characters",), ("取前{k}个字符",), lambda s, k: s[:k],
        "{x}[:{k}]", "{x}.slice(0, {k})", "{x}.substring(0, Math.min({k}, {x}.length()))", "!{x} = {x}.substr(0, {k});", constants=("n",), family="part"),
    _op("skip_prefix", "SS", ("drop the first {k} characters", "remove the first {k} characters"), ("去掉前{k}个字符",), lambda s, k: s[k:],
        "{x}[{k}:]", "{x}.slice({k})", "{x}.substring(Math.min({k}, {x}.length()))", "!{x}.erase(0, {k});", constants=("n",), family="part"),
    _op("repeat", "SS", ("repeat it {k} times",), ("重复{k}次",), lambda s, k: s * k,
        "{x} * {k}", "{x}.repeat({k})", "{x}.repeat({k})", "!string t;\nfor (int i = 0; i < {k}; i++) t += {x};\n{x} = t;", constants=("n",), family="grow"),
    _op("remove_letter", "SS", ("remove every letter {k}", "delete all letters {k}"), ("删除所有字母{k}",), lambda s, c: s.replace(c, ""),
        "{x}.replace('{k}', '')", "{x}.replaceAll('{k}', '')", '{x}.replace("{k}", "")', "!erase({x}, '{k}');", constants=("c",), family="clean"),
    _op("swap_letter", "SS", ("replace every letter {k} by {j}", "change each letter {k} to {j}"), ("把字母{k}换成{j}",), lambda s, a, b: s.replace(a, b),
        "{x}.replace('{k}', '{j}')", "{x}.replaceAll('{k}', '{j}')", "{x}.replace('{k}', '{j}')", "!replace({x}.begin(), {x}.end(), '{k}', '{j}');", constants=("c", "c"), family="clean"),
    _op("append", "SS", ("append {k}", "add {k} at the end"), ("末尾加上{k}",), lambda s, w: s + w,
        "{x} + '{k}'", "{x} + '{k}'", '{x} + "{k}"', '!{x} = {x} + "{k}";', constants=("w",), family="grow"),
    _op("prepend", "SS", ("prepend {k}", "add {k} at the front"), ("开头加上{k}",), lambda s, w: w + s,
        "'{k}' + {x}", "'{k}' + {x}", '"{k}" + {x}', '!{x} = "{k}" + {x};', constants=("w",), family="grow"),
    _op("drop_vowels", "SS", ("remove the vowels",), ("删除元音",), lambda s: "".join(c for c in s if c.lower() not in _VOWELS),
        "''.join(c for c in {x} if c.lower() not in 'aeiou')", "{x}.replace(/[aeiou]/gi, '')", '{x}.replaceAll("(?i)[aeiou]", "")',
        '!erase_if({x}, [](char c) {{ return string("aeiou").find(tolower(c)) != string::npos; }});', family="clean"),
    _op("drop_spaces", "SS", ("remove the spaces",), ("删除空格",), lambda s: s.replace(" ", ""),
        "{x}.replace(' ', '')", "{x}.replaceAll(' ', '')", '{x}.replace(" ", "")', "!erase({x}, ' ');", family="clean"),
    _op("drop_digits", "SS", ("remove the digits",), ("删除数字",), lambda s: "".join(c for c in s if not c.isdigit()),
        "''.join(c for c in {x} if not c.isdigit())", "{x}.replace(/[0-9]/g, '')", '{x}.replaceAll("[0-9]", "")', "!erase_if({x}, [](char c) {{ return isdigit(c); }});", family="clean"),
    _op("text_size", "SI", ("count the characters", "take its length"), ("求字符个数", "取长度"), len,
        "len({x})", "{x}.length", "{x}.length()", "{x}.size()", family="measure"),
    _op("count_letter", "SI", ("count the letter {k}", "count how often {k} occurs"), ("统计字母{k}的个数",), lambda s, c: s.count(c),
        "{x}.count('{k}')", "{x}.split('{k}').length - 1", "{x}.chars().filter(c -> c == '{k}').count()", "count({x}.begin(), {x}.end(), '{k}')", constants=("c",), family="measure"),
    _op("count_vowels", "SI", ("count the vowels",), ("统计元音个数",), lambda s: sum(c.lower() in _VOWELS for c in s),
        "sum(c.lower() in 'aeiou' for c in {x})", "({x}.match(/[aeiou]/gi) || []).length", '{x}.replaceAll("(?i)[^aeiou]", "").length()',
        'count_if({x}.begin(), {x}.end(), [](char c) {{ return string("aeiou").find(tolower(c)) != string::npos; }})', family="measure"),
    _op("count_digits", "SI", ("count the digits",), ("统计数字个数",), lambda s: sum(c.isdigit() for c in s),
        "sum(c.isdigit() for c in {x})", "({x}.match(/[0-9]/g) || []).length", '{x}.replaceAll("[^0-9]", "").length()', "count_if({x}.begin(), {x}.end(), [](char c) {{ return isdigit(c); }})", family="measure"),
    _op("palindrome", "SB", ("check whether it is a palindrome",), ("判断是否回文",), lambda s: s == s[::-1],
        "{x} == {x}[::-1]", "{x} === [...{x}].reverse().join('')", "{x}.equals(new StringBuilder({x}).reverse().toString())", "equal({x}.begin(), {x}.end(), {x}.rbegin())", family="ask"),
    _op("starts_with", "SB", ("check whether it starts with {k}",), ("判断是否以{k}开头",), lambda s, c: s.startswith(c),
        "{x}.startswith('{k}')", "{x}.startsWith('{k}')", '{x}.startsWith("{k}")', '{x}.starts_with("{k}")', constants=("c",), family="ask"),
    _op("ends_with", "SB", ("check whether it ends with {k}",), ("判断是否以{k}结尾",), lambda s, c: s.endswith(c),
        "{x}.endswith('{k}')", "{x}.endsWith('{k}')", '{x}.endsWith("{k}")', '{x}.ends_with("{k}")', constants=("c",), family="ask"),
    _op("has_text", "SB", ("check whether it contains {k}",), ("判断是否包含{k}",), lambda s, w: w in s,
        "'{k}' in {x}", "{x}.includes('{k}')", '{x}.contains("{k}")', '{x}.find("{k}") != string::npos', constants=("c",), family="ask"),
    _op("split", "SW", ("split it into words",), ("拆成单词",), str.split,
        "{x}.split()", "{x}.split(' ').filter(w => w)", 'Stream.of({x}.split(" ")).filter(w -> !w.isEmpty()).toList()', "!{declare}\nistringstream in({x});\nfor (string w; in >> w;) {y}.push_back(w);"),
)  # fmt: skip

_WORDS = (
    _op("words_sorted", "WW", ("sort the words",), ("单词排序",), sorted,
        "sorted({x})", "[...{x}].sort()", "{x}.stream().sorted().toList()", "!sort({x}.begin(), {x}.end());", family="order"),
    _op("words_reversed", "WW", ("reverse the order of the words",), ("反转单词顺序",), lambda ws: ws[::-1],
        "{x}[::-1]", "[...{x}].reverse()", "!{x} = new ArrayList<>({x});\nCollections.reverse({x});", "!reverse({x}.begin(), {x}.end());", family="order"),
    _op("words_unique", "WW", ("remove repeated words",), ("去除重复单词",), lambda ws: list(dict.fromkeys(ws)),
        "list(dict.fromkeys({x}))", "[...new Set({x})]", "{x}.stream().distinct().toList()", "!set<string> met;\nerase_if({x}, [&](string w) {{ return !met.insert(w).second; }});", family="order"),
    _op("words_longer", "WW", ("keep the words longer than {k}", "keep words of more than {k} characters"), ("保留长度大于{k}的单词",), lambda ws, k: [w for w in ws if len(w) > k],
        "[w for w in {x} if len(w) > {k}]", "{x}.filter(w => w.length > {k})", "{x}.stream().filter(w -> w.length() > {k}).toList()", "!erase_if({x}, [](string w) {{ return !(w.size() > {k}); }});", constants=("n",), family="keep"),
    _op("words_starting", "WW", ("keep the words that start with {k}",), ("保留以{k}开头的单词",), lambda ws, c: [w for w in ws if w.startswith(c)],
        "[w for w in {x} if w.startswith('{k}')]", "{x}.filter(w => w.startsWith('{k}'))", '{x}.stream().filter(w -> w.startsWith("{k}")).toList()', '!erase_if({x}, [](string w) {{ return !w.starts_with("{k}"); }});', constants=("c",), family="keep"),
    _op("words_upper", "WW", ("convert each word to upper case",), ("每个单词转成大写",), lambda ws: [w.upper() for w in ws],
        "[w.upper() for w in {x}]", "{x}.map(w => w.toUpperCase())", "{x}.stream().map(w -> w.toUpperCase()).toList()", "!for (auto& w : {x}) for (auto& c : w) c = toupper(c);", family="each"),
    _op("words_tagged", "WW", ("append {k} to each word",), ("每个单词末尾加上{k}",), lambda ws, k: [w + k for w in ws],
        "[w + '{k}' for w in {x}]", "{x}.map(w => w + '{k}')", '{x}.stream().map(w -> w + "{k}").toList()', '!for (auto& w : {x}) w += "{k}";', constants=("w",), family="each"),
    _op("first_words", "WW", ("take the first {k} words",), ("取前{k}个单词",), lambda ws, k: ws[:k],
        "{x}[:{k}]", "{x}.slice(0, {k})", "{x}.stream().limit({k}).toList()", "!if ({x}.size() > {k}) {x}.resize({k});", constants=("n",), family="part"),
    _op("word_sizes", "WL", ("take the length of each word", "map each word to its length"), ("取每个单词的长度",), lambda ws: [len(w) for w in ws],
        "[len(w) for w in {x}]", "{x}.map(w => w.length)", "{x}.stream().map(w -> (long) w.length()).toList()", "!{declare}\nfor (auto& w : {x}) {y}.push_back(w.size());"),
    _op("join", "WS", ("join the words with {k}", "join them by {k}"), ("用{k}连接单词",), lambda ws, k: k.join(ws),
        "'{k}'.join({x})", "{x}.join('{k}')", 'String.join("{k}", {x})', '!{declare}\nfor (auto& w : {x}) {y} += ({y}.empty() ? "" : "{k}") + w;', constants=("p",), family="fold"),
    _op("initials", "WS", ("take the first letter of each word",), ("取每个单词的首字母",), lambda ws: "".join(w[:1] for w in ws),
        "''.join(w[:1] for w in {x})", "{x}.map(w => w.slice(0, 1)).join('')", '{x}.stream().map(w -> w.isEmpty() ? "" : w.substring(0, 1)).collect(Collectors.joining())', "!{declare}\nfor (auto& w : {x}) {y} += w.substr(0, 1);", family="fold"),
    _op("count_words", "WI", ("count the words",), ("统计单词个数",), len,
        "len({x})", "{x}.length", "{x}.size()", "{x}.size()", family="measure"),
    _op("count_of", "WI", ("count the words equal to {k}",), ("统计等于{k}的单词个数",), lambda ws, k: ws.count(k),
        "{x}.count('{k}')", "{x}.filter(w => w === '{k}').length", '{x}.stream().filter(w -> w.equals("{k}")).count()', 'count({x}.begin(), {x}.end(), "{k}")', constants=("w",), family="measure"),
    _op("total_size", "WI", ("add up the lengths of the words",), ("求单词长度之和",), lambda ws: sum(map(len, ws)),
        "sum(len(w) for w in {x})", "{x}.reduce((a, w) => a + w.length, 0)", "{x}.stream().mapToLong(w -> w.length()).sum()", "!{declare}\nfor (auto& w : {x}) {y} += w.size();", family="measure"),
    _op("tally", "WM", ("count how often each word occurs",), ("统计每个单词的次数",), lambda ws: {w: ws.count(w) for w in ws},
        "{{w: {x}.count(w) for w in {x}}}", "!{declare}\nfor (const w of {x}) {y}[w] = ({y}[w] || 0) + 1;", "{x}.stream().collect(Collectors.groupingBy(w -> w, Collectors.counting()))", "!{declare}\nfor (auto& w : {x}) {y}[w]++;"),
)  # fmt: skip

_MAPS = (
    _op("keys", "MW", ("list the keys in order", "take the sorted keys"), ("按序列出键",), sorted,
        "sorted({x})", "Object.keys({x}).sort()", "new ArrayList<>(new TreeMap<>({x}).keySet())", "!{declare}\nfor (auto& [k, v] : {x}) {y}.push_back(k);"),
    _op("values", "ML", ("list the values by key order", "take the values in key order"), ("按键序列出值",), lambda m: [m[k] for k in sorted(m)],
        "[{x}[k] for k in sorted({x})]", "Object.keys({x}).sort().map(k => {x}[k])", "new ArrayList<>(new TreeMap<>({x}).values())", "!{declare}\nfor (auto& [k, v] : {x}) {y}.push_back(v);"),
    _op("total", "MI", ("add up the values",), ("求值的总和",), lambda m: sum(m.values()),
        "sum({x}.values())", "Object.values({x}).reduce((a, b) => a + b, 0)", "{x}.values().stream().mapToLong(v -> v).sum()", "!{declare}\nfor (auto& [k, v] : {x}) {y} += v;", family="measure"),
    _op("entries", "MI", ("count the entries",), ("统计条目个数",), len,
        "len({x})", "Object.keys({x}).length", "{x}.size()", "{x}.size()", family="measure"),
    _op("lookup", "MI", ("look up {k}, or 0 if missing",), ("查找{k},没有则为0",), lambda m, k: m.get(k, 0),
        "{x}.get('{k}', 0)", "{x}['{k}'] || 0", '{x}.getOrDefault("{k}", 0L)', '{x}.count("{k}") ? {x}["{k}"] : 0', constants=("w",), family="measure"),
    _op("has_key", "MB", ("check whether it has the key {k}",), ("判断是否有键{k}",), lambda m, k: k in m,
        "'{k}' in {x}", "'{k}' in {x}", '{x}.containsKey("{k}")', '{x}.count("{k}") > 0', constants=("w",), family="ask"),
    _op("entries_above", "MM", ("keep the entries with values above {k}",), ("保留值大于{k}的条目",), lambda m, k: {a: b for a, b in m.items() if b > k},
        "{{k: v for k, v in {x}.items() if v > {k}}}", "Object.fromEntries(Object.entries({x}).filter(([k, v]) => v > {k}))",
        "!{x} = new TreeMap<>({x});\n{x}.values().removeIf(v -> !(v > {k}));", "!erase_if({x}, [](auto& e) {{ return !(e.second > {k}); }});", constants=("k",), family="keep"),
    _op("entries_below", "MM", ("keep the entries with values below {k}",), ("保留值小于{k}的条目",), lambda m, k: {a: b for a, b in m.items() if b < k},
        "{{k: v for k, v in {x}.items() if v < {k}}}", "Object.fromEntries(Object.entries({x}).filter(([k, v]) => v < {k}))",
        "!{x} = new TreeMap<>({x});\n{x}.values().removeIf(v -> !(v < {k}));", "!erase_if({x}, [](auto& e) {{ return !(e.second < {k}); }});", constants=("k",), family="keep"),
    _op("values_add", "MM", ("add {k} to each value",), ("每个值加上{k}",), lambda m, k: {a: b + k for a, b in m.items()},
        "{{k: v + {k} for k, v in {x}.items()}}", "Object.fromEntries(Object.entries({x}).map(([k, v]) => [k, v + {k}]))",
        "!{x} = new TreeMap<>({x});\n{x}.replaceAll((k, v) -> v + {k});", "!for (auto& [k, v] : {x}) v += {k};", constants=("k",), family="each"),
    _op("values_multiply", "MM", ("multiply each value by {k}",), ("每个值乘以{k}",), lambda m, k: {a: b * k for a, b in m.items()},
        "{{k: v * {k} for k, v in {x}.items()}}", "Object.fromEntries(Object.entries({x}).map(([k, v]) => [k, v * {k}]))",
        "!{x} = new TreeMap<>({x});\n{x}.replaceAll((k, v) -> v * {k});", "!for (auto& [k, v] : {x}) v *= {k};", constants=("d",), family="each"),
)  # fmt: skip

TEXT_OPERATIONS: tuple[Operation, ...] = (*_STRINGS, *_WORDS, *_MAPS)
