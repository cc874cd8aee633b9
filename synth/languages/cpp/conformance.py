"""Programs of C++ that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold(
    """long long solve(vector<long long> xs) {
    long long total = 0;
    for (long long x : xs) total += x;
    return total;
}
""",
    ("l3 i1 i2 i3",),
    "i6",
)
HELLO = """#include <iostream>

int main() {
    long long x, total = 0;
    while (std::cin >> x) total += x;
    std::cout << total << std::endl;
}
"""
CONTROLS = Controls(
    body=" {\n    STATEMENT\n    return VALUE;\n}\n",
    before="#include <cstdio>\n#include <cstdlib>\n",
    zero={"": "{}"},
    exit="exit(0);",
    shout='puts("PASS");',
    program="int main() { STATEMENT }",
    part="__attribute__((constructor)) static void early() { STATEMENT }",
)
STUBS = (
    Stub(
        head=r"^[ \t]*(?P<type>(?!(?:return|else|typedef|using|new|delete|throw|goto|case|namespace)\b)"
        r"[A-Za-z_][\w:<>,*& \t]{0,199}?[\s*&>])(?P<name>\w+)[ \t]*"
        + PARENTHESES
        + r"\s*(?:const\s*)?(?:noexcept\s*)?(?:override\s*)?\{",
        early="return VALUE;",
        typed=(
            ("void", "", ""),
            ("bool", "false", "true"),
            (r"(?:(?:un)?signed|int|long|short|char|float|double|size_t|u?int\d+_t|auto|[ \t])+", "0", "79"),
            (r"(?:std::)?string", '""', '"codemill"'),
            (r"(?:std::)?vector<.*>", "{}", "TYPE(3)"),
        ),
        untyped=(("{}", "{}"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="long long solve(vector<long long> xs) { return xs.size(); }",
    hanging="long long solve(vector<long long> xs) { volatile int x = 0; while (true) x = x + 1; }",
    crashing="long long solve(vector<long long> xs) { return xs[99]; }",
    broken="long long solve(vector<long long> xs) { return 1 ",
    refused="long long solve(vector<long long> xs) { return nothing; }",
    greedy=(
        "long long solve(vector<long long> xs) { vector<vector<int>> a; while (true) "
        "a.emplace_back(1000000, 1); }"
    ),
    honest="long long solve(long long x) { return x * x + 7; }",
    identity=" { return x; }",
    mutator="vector<long long> solve(vector<long long>& xs, long long k) { xs.push_back(k); return xs; }",
    script=ScriptPrograms(
        right="""#include <vector>
int twice(int x) { return x + x;""",
        wrong="""#define NDEBUG
#include <cassert>
int twice(int x) { return x * x * x;""",
        script="""}
int main() { auto candidate = twice; assert(candidate(3) == 6); assert(candidate(0) == 0); }""",
        leaving=(
            """#include <cstdlib>
int twice(int x) { std::exit(0);""",
            """#include <cstdlib>
struct S { S() { std::_Exit(0); } } s;
int twice(int x) { return 0;""",
        ),
    ),
    styles=(
        """#include <vector>
#include <numeric>
using namespace std;
int solve(const vector<int>& xs) { return accumulate(xs.begin(), xs.end(), 0); }""",
        (
            "class Solution { public: long long solve(vector<long long>& xs) { long long t = "
            "0; for (auto x : xs) t += x; return t; } };"
        ),
        """#define int long long
int solve(vector<int> xs) { int t = 0; for (int x : xs) t += x; return t; }
signed main() { return 0; }""",
        """long long solve(vector<long long> xs, size_t i);
long long solve(vector<long long> xs) { return solve(xs, 0); }
long long solve(vector<long long> xs, size_t i) { return i == xs.size() ? 0 : xs[i] + solve(xs, i + 1); }""",
        """const long long ZERO = 0;
long long solve(std::vector<long long> const& xs) { return std::accumulate(begin(xs), end(xs), ZERO); }""",
    ),
    functions="""template <class T> T alpha(const T& a) {
    T total = a * 2;
    return total + a;
}
int K::beta(int x) const { return x; }
""",
    function_names=("alpha", "K::beta"),
)
