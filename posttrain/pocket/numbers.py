"""Operations of the pocket world over integers and lists of integers.

Two tables, predicates and element expressions, produce most of them: each predicate gives filter, count, any,
all and a test of one number; each expression gives map and a change of one number.
"""

from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from posttrain.pocket.operation import LANGUAGES, Operation, define


class Predicate(NamedTuple):
    """A property of one integer. In the source text `{e}` is the element and `{k}` the constant."""

    name: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    test: Callable[..., bool]
    text: str
    constants: tuple[str, ...] = ()


PREDICATES = (
    Predicate("even", ("even numbers",), ("偶数",),
              lambda x: x % 2 == 0, "{e} % 2 == 0"),
    Predicate("odd", ("odd numbers",), ("奇数",),
              lambda x: x % 2 != 0, "{e} % 2 != 0"),
    Predicate("positive", ("positive numbers",), ("正数",),
              lambda x: x > 0, "{e} > 0"),
    Predicate("negative", ("negative numbers",), ("负数",),
              lambda x: x < 0, "{e} < 0"),
    Predicate("above", ("numbers greater than {k}", "numbers above {k}"), ("大于{k}的数",),
              lambda x, k: x > k, "{e} > {k}", ("k",)),
    Predicate("below", ("numbers less than {k}", "numbers below {k}"), ("小于{k}的数",),
              lambda x, k: x < k, "{e} < {k}", ("k",)),
    Predicate("divisible", ("multiples of {k}", "numbers divisible by {k}"), ("{k}的倍数", "能被{k}整除的数"),
              lambda x, k: x % k == 0, "{e} % {k} == 0", ("d",)),
    Predicate("unequal", ("numbers other than {k}", "numbers not equal to {k}"), ("不等于{k}的数",),
              lambda x, k: x != k, "{e} != {k}", ("k",)),
)  # fmt: skip


class Expression(NamedTuple):
    """A change of one integer: verb phrases with `{o}` for the object, and source text for each language."""

    name: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    apply: Callable[..., int]
    text: dict[str, str]
    constants: tuple[str, ...] = ()


def _same(text: str) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, text)


def _call(python: str, javascript: str, java: str, cpp: str) -> dict[str, str]:
    return {"python": python, "javascript": javascript, "java": java, "cpp": cpp}


_FLOOR_MOD = "(({e} % {k}) + {k}) % {k}"

EXPRESSIONS = (
    Expression("add", ("add {k} to {o}", "increase {o} by {k}"), ("{o}加上{k}", "{o}加{k}"),
               lambda x, k: x + k, _same("{e} + {k}"), ("k",)),
    Expression("subtract", ("subtract {k} from {o}", "decrease {o} by {k}"), ("{o}减去{k}", "{o}减{k}"),
               lambda x, k: x - k, _same("{e} - {k}"), ("k",)),
    Expression("multiply", ("multiply {o} by {k}",), ("{o}乘以{k}",),
               lambda x, k: x * k, _same("{e} * {k}"), ("d",)),
    Expression("square", ("square {o}",), ("{o}取平方",),
               lambda x: x * x, _same("{e} * {e}")),
    Expression("negate", ("negate {o}", "flip the sign of {o}"), ("{o}取相反数",),
               lambda x: -x, _same("-{e}")),
    Expression("absolute", ("take the absolute value of {o}",), ("{o}取绝对值",),
               abs, _call("abs({e})", "Math.abs({e})", "Math.abs({e})", "abs({e})")),
    Expression("modulo", ("take {o} modulo {k}",), ("{o}对{k}取模",),
               lambda x, k: x % k, _call("{e} % {k}", _FLOOR_MOD, _FLOOR_MOD, _FLOOR_MOD), ("d",)),
    Expression("at_most", ("cap {o} at {k}",), ("{o}最多取{k}",),
               lambda x, k: min(x, k),
               _call("min({e}, {k})", "Math.min({e}, {k})", "Math.min({e}, {k})", "min({e}, {k}LL)"), ("k",)),
    Expression("at_least", ("raise {o} to at least {k}",), ("{o}至少取{k}",),
               lambda x, k: max(x, k),
               _call("max({e}, {k})", "Math.max({e}, {k})", "Math.max({e}, {k})", "max({e}, {k}LL)"), ("k",)),
)  # fmt: skip

_ALL = "{x}.begin(), {x}.end()"


def _lambda(body: str) -> str:
    return "[](long long x) {{ return " + body + "; }}"


def _javascript(text: str) -> str:
    return text.replace("==", "===").replace("!=", "!==")


def _filter(p: Predicate) -> Operation:
    test = p.text.replace("{e}", "x")
    return Operation(
        f"keep_{p.name}",
        "L",
        "L",
        tuple(f"{verb} {noun}" for noun in p.english for verb in ("keep only the", "keep the", "select the")),
        tuple(f"{verb}{noun}" for noun in p.chinese for verb in ("保留", "只保留")),
        lambda xs, *k: [x for x in xs if p.test(x, *k)],
        {
            "python": (f"[x for x in {{x}} if {test}]", f"list(filter(lambda x: {test}, {{x}}))"),
            "javascript": (f"{{x}}.filter(x => {_javascript(test)})",),
            "java": (f"{{x}}.stream().filter(x -> {test}).toList()",),
            "cpp": (f"!erase_if({{x}}, {_lambda('!(' + test + ')')});",),
        },
        p.constants,
        "keep",
    )


def _count(p: Predicate) -> Operation:
    test = p.text.replace("{e}", "x")
    return Operation(
        f"count_{p.name}",
        "L",
        "I",
        tuple(f"count the {noun}" for noun in p.english),
        tuple(f"统计{noun}的个数" for noun in p.chinese),
        lambda xs, *k: sum(p.test(x, *k) for x in xs),
        {
            "python": (f"sum(1 for x in {{x}} if {test})", f"len([x for x in {{x}} if {test}])"),
            "javascript": (f"{{x}}.filter(x => {_javascript(test)}).length",),
            "java": (f"{{x}}.stream().filter(x -> {test}).count()",),
            "cpp": (f"count_if({_ALL}, {_lambda(test)})",),
        },
        p.constants,
        "count",
    )


def _quantifier(p: Predicate, name: str, english: str, chinese: str, names: dict[str, str]) -> Operation:
    test = p.text.replace("{e}", "x")
    combine = any if name == "any" else all
    return Operation(
        f"{name}_{p.name}",
        "L",
        "B",
        tuple(english.format(noun=noun) for noun in p.english),
        tuple(chinese.format(noun=noun) for noun in p.chinese),
        lambda xs, *k: combine(p.test(x, *k) for x in xs),
        {
            "python": (f"{name}({test} for x in {{x}})",),
            "javascript": (f"{{x}}.{names['javascript']}(x => {_javascript(test)})",),
            "java": (f"{{x}}.stream().{names['java']}(x -> {test})",),
            "cpp": (f"{names['cpp']}({_ALL}, {_lambda(test)})",),
        },
        p.constants,
        "quantifier",
    )


def _is(p: Predicate) -> Operation:
    test = p.text.replace("{e}", "{x}")
    return Operation(
        f"is_{p.name}",
        "I",
        "B",
        tuple(f"check whether the result belongs to the {noun}" for noun in p.english),
        tuple(f"判断结果是否属于{noun}" for noun in p.chinese),
        p.test,
        {"python": (test,), "javascript": (_javascript(test),), "java": (test,), "cpp": (test,)},
        p.constants,
        "is",
    )


def _map(e: Expression) -> Operation:
    text = {language: body.replace("{e}", "x") for language, body in e.text.items()}
    return Operation(
        f"each_{e.name}",
        "L",
        "L",
        tuple(
            phrase.replace("{o}", each) for phrase in e.english for each in ("each number", "every number")
        ),
        tuple(phrase.replace("{o}", each) for phrase in e.chinese for each in ("每个数", "把每个数")),
        lambda xs, *k: [e.apply(x, *k) for x in xs],
        {
            "python": (f"[{text['python']} for x in {{x}}]", f"list(map(lambda x: {text['python']}, {{x}}))"),
            "javascript": (f"{{x}}.map(x => {text['javascript']})",),
            "java": (f"{{x}}.stream().map(x -> {text['java']}).toList()",),
            "cpp": (f"!for (auto& x : {{x}}) x = {text['cpp']};",),
        },
        e.constants,
        "each",
    )


def _change(e: Expression) -> Operation:
    text = {language: body.replace("{e}", "{x}") for language, body in e.text.items()}
    return Operation(
        f"then_{e.name}",
        "I",
        "I",
        tuple(phrase.replace("{o}", "the result") for phrase in e.english),
        tuple(phrase.replace("{o}", "结果") for phrase in e.chinese),
        e.apply,
        {language: (body,) for language, body in text.items()},
        e.constants,
        "then",
    )


_LISTS = (
    define("ascending", "L", "L", sorted, family="order",
        english=("sort them in ascending order", "sort from small to large"),
        chinese=("升序排序", "从小到大排序"),
        python="sorted({x})",
        javascript="[...{x}].sort((a, b) => a - b)",
        java="{x}.stream().sorted().toList()",
        cpp="!sort({x}.begin(), {x}.end());"),
    define("descending", "L", "L", lambda xs: sorted(xs, reverse=True), family="order",
        english=("sort them in descending order", "sort from large to small"),
        chinese=("降序排序", "从大到小排序"),
        python="sorted({x}, reverse=True)",
        javascript="[...{x}].sort((a, b) => b - a)",
        java="{x}.stream().sorted(Comparator.reverseOrder()).toList()",
        cpp="!sort({x}.rbegin(), {x}.rend());"),
    define("reversed", "L", "L", lambda xs: xs[::-1], family="order",
        english=("reverse the list", "reverse the order"),
        chinese=("反转列表", "把顺序反过来"),
        python="{x}[::-1]",
        javascript="[...{x}].reverse()",
        java="!{x} = new ArrayList<>({x});\nCollections.reverse({x});",
        cpp="!reverse({x}.begin(), {x}.end());"),
    define("unique", "L", "L", lambda xs: list(dict.fromkeys(xs)), family="order",
        english=("remove duplicates", "drop repeated numbers"),
        chinese=("去除重复的数", "去重"),
        python="list(dict.fromkeys({x}))",
        javascript="[...new Set({x})]",
        java="{x}.stream().distinct().toList()",
        cpp="!set<long long> seen;\nerase_if({x}, [&](long long x) {{ return !seen.insert(x).second; }});"),
    define("first_some", "L", "L", lambda xs, k: xs[:k], constants=("n",), family="part",
        english=("take the first {k} numbers",),
        chinese=("取前{k}个数",),
        python="{x}[:{k}]",
        javascript="{x}.slice(0, {k})",
        java="{x}.stream().limit({k}).toList()",
        cpp="!if ({x}.size() > {k}) {x}.resize({k});"),
    define("skip_some", "L", "L", lambda xs, k: xs[k:], constants=("n",), family="part",
        english=("skip the first {k} numbers", "drop the first {k} numbers"),
        chinese=("去掉前{k}个数", "跳过前{k}个数"),
        python="{x}[{k}:]",
        javascript="{x}.slice({k})",
        java="{x}.stream().skip({k}).toList()",
        cpp="!{x}.erase({x}.begin(), {x}.begin() + min<size_t>({k}, {x}.size()));"),
    define("running_sum", "L", "L", lambda xs: list(accumulate(xs)), family="order",
        english=("compute the running sums", "replace each number by the sum so far"),
        chinese=("计算前缀和", "求累加和"),
        python="[sum({x}[:i + 1]) for i in range(len({x}))]",
        javascript="{x}.map((_, i) => {x}.slice(0, i + 1).reduce((a, b) => a + b, 0))",
        java="!List<Long> sums = new ArrayList<>();\nlong t = 0;\n"
             "for (long x : {x}) {{\n    t += x;\n    sums.add(t);\n}}\n{x} = sums;",
        cpp="!partial_sum({x}.begin(), {x}.end(), {x}.begin());"),
    define("sum", "L", "I", sum, family="reduce",
        english=("take the sum", "add them up"),
        chinese=("求和", "计算总和"),
        python="sum({x})",
        javascript="{x}.reduce((a, b) => a + b, 0)",
        java="{x}.stream().mapToLong(x -> x).sum()",
        cpp="accumulate({x}.begin(), {x}.end(), 0LL)"),
    define("maximum", "L", "I", lambda xs: max(xs, default=0), family="reduce",
        english=("take the maximum, or 0 if empty", "find the largest number, or 0 if empty"),
        chinese=("取最大值,空则为0",),
        python="max({x}, default=0)",
        javascript="{x}.length ? Math.max(...{x}) : 0",
        java="{x}.stream().mapToLong(x -> x).max().orElse(0)",
        cpp="{x}.empty() ? 0 : *max_element({x}.begin(), {x}.end())"),
    define("minimum", "L", "I", lambda xs: min(xs, default=0), family="reduce",
        english=("take the minimum, or 0 if empty", "find the smallest number, or 0 if empty"),
        chinese=("取最小值,空则为0",),
        python="min({x}, default=0)",
        javascript="{x}.length ? Math.min(...{x}) : 0",
        java="{x}.stream().mapToLong(x -> x).min().orElse(0)",
        cpp="{x}.empty() ? 0 : *min_element({x}.begin(), {x}.end())"),
    define("size", "L", "I", len, family="reduce",
        english=("count them", "take the length"),
        chinese=("求个数", "取长度"),
        python="len({x})",
        javascript="{x}.length",
        java="{x}.size()",
        cpp="{x}.size()"),
    define("first", "L", "I", lambda xs: xs[0] if xs else 0, family="reduce",
        english=("take the first number, or 0 if empty",),
        chinese=("取第一个数,空则为0",),
        python="{x}[0] if {x} else 0",
        javascript="{x}.length ? {x}[0] : 0",
        java="{x}.isEmpty() ? 0 : {x}.get(0)",
        cpp="{x}.empty() ? 0 : {x}.front()"),
    define("last", "L", "I", lambda xs: xs[-1] if xs else 0, family="reduce",
        english=("take the last number, or 0 if empty",),
        chinese=("取最后一个数,空则为0",),
        python="{x}[-1] if {x} else 0",
        javascript="{x}.length ? {x}[{x}.length - 1] : 0",
        java="{x}.isEmpty() ? 0 : {x}.get({x}.size() - 1)",
        cpp="{x}.empty() ? 0 : {x}.back()"),
    define("contains", "L", "B", lambda xs, k: k in xs, constants=("k",), family="quantifier",
        english=("check whether {k} is among them", "check whether they contain {k}"),
        chinese=("判断是否含有{k}",),
        python="{k} in {x}",
        javascript="{x}.includes({k})",
        java="{x}.contains({k}L)",
        cpp="count({x}.begin(), {x}.end(), {k}) > 0"),
    define("is_sorted", "L", "B", lambda xs: xs == sorted(xs), family="quantifier",
        english=("check whether they are in ascending order",),
        chinese=("判断是否升序",),
        python="{x} == sorted({x})",
        javascript="{x}.every((x, i) => i === 0 || {x}[i - 1] <= x)",
        java="{x}.equals({x}.stream().sorted().toList())",
        cpp="is_sorted({x}.begin(), {x}.end())"),
)  # fmt: skip

_SINGLE = (
    define("digit_sum", "I", "I", lambda n: sum(int(c) for c in str(abs(n))), family="then",
        english=("take the sum of its digits",),
        chinese=("求各位数字之和",),
        python="sum(int(c) for c in str(abs({x})))",
        javascript="[...String(Math.abs({x}))].reduce((a, c) => a + Number(c), 0)",
        java="String.valueOf(Math.abs({x})).chars().mapToLong(c -> c - '0').sum()",
        cpp="!{declare}\nfor (char c : to_string(abs({x}))) {y} += c - '0';"),
    define("digits", "I", "L", lambda n: [int(c) for c in str(abs(n))],
        english=("list its digits", "split it into digits"),
        chinese=("列出各位数字",),
        python="[int(c) for c in str(abs({x}))]",
        javascript="[...String(Math.abs({x}))].map(Number)",
        java="String.valueOf(Math.abs({x})).chars().mapToObj(c -> (long) (c - '0')).toList()",
        cpp="!{declare}\nfor (char c : to_string(abs({x}))) {y}.push_back(c - '0');"),
)  # fmt: skip

_WORDS = {
    "any": (
        "check whether there are any {noun}",
        "判断是否存在{noun}",
        {"javascript": "some", "java": "anyMatch", "cpp": "any_of"},
    ),
    "all": (
        "check whether there are only {noun}",
        "判断是否全是{noun}",
        {"javascript": "every", "java": "allMatch", "cpp": "all_of"},
    ),
}

NUMBER_OPERATIONS: tuple[Operation, ...] = (
    *map(_filter, PREDICATES),
    *map(_count, PREDICATES),
    *(_quantifier(p, name, *words) for p in PREDICATES for name, words in _WORDS.items()),
    *map(_is, PREDICATES),
    *map(_map, EXPRESSIONS),
    *map(_change, EXPRESSIONS),
    *_LISTS,
    *_SINGLE,
)
