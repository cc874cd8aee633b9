"""C++ functions closed over their file and the headers of their tree."""

from pathlib import Path

from tests.seeds.trees import cut

MATHS = """#include <vector>
#include "base/limits.h"
#include <missing/library.hpp>

#define SQUARE(x) ((x) * (x))
using namespace std;
namespace maths {
using number = long long;
constexpr double GRAVITY = 9.8;
const int OTHER = 1, LIMIT = 3;
class Base { public: int root() const { return LIMIT; } };
class Counter : public Base {
    template <typename T> friend class Later;
    number total = 0;
 public:
    Counter();
    number add(number x);
    void unused();
};
Counter::Counter() { total = from_header(1); }
number Counter::add(number x) { total += SQUARE(x) + root(); return total; }
void Counter::unused() { missing(); }
template <typename T> class Later : public Counter {};
int even(int n);
int odd(int n) { if (n == 0) { return 0; } return even(n - 1); }
int even(int n) { if (n == 0) { return 1; } return odd(n - 1); }
double fall(double seconds, double g = GRAVITY) { double half = g / 2; return half * seconds * seconds; }
}
int main() { return 0; }
"""
LIMITS = """#ifndef LIMITS_H
#define LIMITS_H
namespace limits {
const int TOP = 9;
inline int from_header(int x) { return x + TOP; }
inline int no() { return 1; }
}
using namespace limits;
#endif
"""
FILES = {"src/maths.cpp": MATHS, "src/base/limits.h": LIMITS}


def test_a_member_comes_with_its_class_and_what_that_needs(tmp_path: Path) -> None:
    closed = cut(tmp_path, FILES, "cpp")["Counter::add"].closed
    for here in ("class Counter", "class Base", "LIMIT = 3", "int from_header", "TOP = 9"):
        assert closed.count(here) == 1, here
    for here in ("Counter::Counter()", "#define SQUARE", "using number", "using namespace std", "<vector>"):
        assert closed.count(here) == 1, here
    for absent in ("missing", "GRAVITY", "even", "no()", "main", "class Later :", "limits.h"):
        assert absent not in closed, absent
    assert closed.index("class Base") < closed.index("class Counter") < closed.index("Counter::add")


def test_functions_that_call_each_other_keep_their_order(tmp_path: Path) -> None:
    seeds = cut(tmp_path, FILES, "cpp")
    closed = seeds["odd"].closed
    assert closed.index("int even(int n);") < closed.index("int odd") < closed.index("int even(int n) {")
    assert "GRAVITY = 9.8" in seeds["fall"].closed, "a default argument is asked for"
