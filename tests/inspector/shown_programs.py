"""Four small tasks, each solved in four languages, rightly and wrongly: what the built runs are made of."""

from typing import NamedTuple

from synth.records import Case, FunctionContract


class ShownTask(NamedTuple):
    """A task: its function, its words, its tests, and programs by language."""

    contract: FunctionContract
    instruction: str
    cases: tuple[Case, ...]
    right: dict[str, str]
    slip: dict[str, tuple[str, str]]
    """What to replace in the right program, by what, to make it wrong."""

    def wrong(self, language: str) -> str:
        """The program with its slip."""
        return self.right[language].replace(*self.slip[language], 1)


def _case(arguments: tuple[str, ...], expected: str) -> Case:
    return Case(arguments=arguments, expected=expected)


SEARCH = ShownTask(
    FunctionContract(
        entry_point="search", signature="(list[int], int) -> int", parameter_names=("values", "wanted")
    ),
    "Write `search(values, wanted)`: the index of `wanted` in the sorted list `values`, by binary search, "
    "or -1 if it is not there. Look at no more than a logarithmic number of elements.",
    (
        _case(("[i1,i3,i5,i7]", "i5"), "i2"),
        _case(("[]", "i4"), "i-1"),
        _case(("[i2]", "i2"), "i0"),
        _case(("[i1,i3,i5,i7]", "i8"), "i-1"),
        _case(("[i1,i3,i5,i7,i9]", "i1"), "i0"),
        _case(("[i-4,i0,i6]", "i6"), "i2"),
    ),
    {
        "python": '''def search(values: list[int], wanted: int) -> int:
"""The index of wanted in the sorted values, or -1."""
    low, high = 0, len(values) - 1
    while low <= high:
        middle = (low + high) // 2
        if values[middle] == wanted:
            return middle
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1
''',
        "javascript": """function search(values, wanted) {
  let low = 0;
  let high = values.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (values[middle] === wanted) return middle;
    // Everything left of the middle is smaller.
    if (values[middle] < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
""",
        "go": """func search(values []int, wanted int) int {
	low, high := 0, len(values)-1
	for low <= high {
		middle := (low + high) / 2
		if values[middle] == wanted {
			return middle
		}
		if values[middle] < wanted {
			low = middle + 1
		} else {
			high = middle - 1
		}
	}
	return -1
}
""",
        "rust": """fn search(values: Vec<i64>, wanted: i64) -> i64 {
    let (mut low, mut high) = (0i64, values.len() as i64 - 1);
    while low <= high {
        let middle = (low + high) / 2;
        match values[middle as usize].cmp(&wanted) {
            std::cmp::Ordering::Equal => return middle,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle - 1,
        }
    }
    -1
}
""",
    },
    dict.fromkeys(("python", "javascript", "go", "rust"), ("low <= high", "low < high")),
)

VOWELS = ShownTask(
    FunctionContract(entry_point="vowels", signature="(str) -> int", parameter_names=("text",)),
    "Write `vowels(text)`: how many of its letters are vowels (a, e, i, o, u), capital or not.",
    (
        _case(('"codemill"',), "i3"),
        _case(('""',), "i0"),
        _case(('"AEIOU"',), "i5"),
        _case(('"rhythm"',), "i0"),
        _case(('"Apple pie"',), "i4"),
    ),
    {
        "python": '''def vowels(text: str) -> int:
    """How many letters of the text are vowels."""
    return sum(1 for letter in text.lower() if letter in "aeiou")
''',
        "javascript": """function vowels(text) {
  const found = text.toLowerCase().match(/[aeiou]/g);
  return found === null ? 0 : found.length;
}
""",
        "go": """func vowels(text string) int {
	count := 0
	for _, letter := range strings.ToLower(text) {
		if strings.ContainsRune("aeiou", letter) {
			count++
		}
	}
	return count
}
""",
        "rust": """fn vowels(text: String) -> i64 {
    text.to_lowercase().chars().filter(|letter| "aeiou".contains(*letter)).count() as i64
}
""",
    },
    {
        "python": (".lower()", ""),
        "javascript": (".toLowerCase()", ""),
        "go": ("strings.ToLower(text)", "text"),
        "rust": (".to_lowercase()", ""),
    },
)

SORTED = ShownTask(
    FunctionContract(entry_point="ascends", signature="(list[int]) -> bool", parameter_names=("values",)),
    "Write `ascends(values)`: whether each element is at least as large as the one before it.",
    (
        _case(("[i1,i2,i2,i9]",), "b1"),
        _case(("[]",), "b1"),
        _case(("[i3,i1]",), "b0"),
        _case(("[i5]",), "b1"),
    ),
    {
        "python": '''def ascends(values: list[int]) -> bool:
    """Whether no element is smaller than the one before it."""
    return all(left <= right for left, right in zip(values, values[1:]))
''',
        "javascript": """function ascends(values) {
  return values.every((value, at) => at === 0 || values[at - 1] <= value);
}
""",
        "go": """func ascends(values []int) bool {
	for at := 1; at < len(values); at++ {
		if !(values[at-1] <= values[at]) {
			return false
		}
	}
	return true
}
""",
        "rust": """fn ascends(values: Vec<i64>) -> bool {
    values.windows(2).all(|pair| pair[0] <= pair[1])
}
""",
    },
    dict.fromkeys(("python", "javascript", "go", "rust"), ("<= ", "< ")),
)

DIVISOR = ShownTask(
    FunctionContract(entry_point="divisor", signature="(int, int) -> int", parameter_names=("a", "b")),
    "Write `divisor(a, b)`: the greatest common divisor of two numbers that are not negative.",
    (
        _case(("i12", "i18"), "i6"),
        _case(("i7", "i0"), "i7"),
        _case(("i0", "i5"), "i5"),
        _case(("i17", "i13"), "i1"),
        _case(("i100", "i75"), "i25"),
    ),
    {
        "python": '''def divisor(a: int, b: int) -> int:
    """The greatest common divisor, by Euclid."""
    while b > 0:
        a, b = b, a % b
    return a
''',
        "javascript": """function divisor(a, b) {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}
""",
        "go": """func divisor(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
""",
        "rust": """fn divisor(a: i64, b: i64) -> i64 {
    if b > 0 { divisor(b, a % b) } else { a }
}
""",
    },
    dict.fromkeys(("python", "javascript", "go", "rust"), ("b > 0", "b > 1")),
)

TASKS = (SEARCH, VOWELS, SORTED, DIVISOR)
LANGUAGES = ("python", "javascript", "go", "rust")
