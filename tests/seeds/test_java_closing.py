"""Java methods closed over their class, file, package and tree."""

from pathlib import Path

from tests.seeds.trees import cut, why

STORE = """package org.shop.sales;

import java.util.ArrayList;
import java.util.List;
import org.shop.money.Rates;
import org.elsewhere.Logger;

public class Store extends Base implements Comparable<Store> {
    private static final int LIMIT = 3;
    private static final Logger LOG = null;
    private final List<Integer> items = new ArrayList<>();
    private int total;
    static { total_of_all = LIMIT; }
    static int total_of_all;
    static class Item {
        final int price;
        Item(int price) { this.price = price; }
        int twice() { return 2 * price; }
    }
    public Store(int start) { this.total = start; }
    public int add(int price) { return add(new Item(price), 1); }
    public int add(Item item, int times) {
        for (int i = 0; i < Math.min(times, LIMIT); i++) items.add(item.price);
        total += Rates.taxed(items.size()) + fromBase(times);
        return total + Shelf.WIDTH;
    }
    @Override public int compareTo(Store other) { return total - other.total; }
    public int unused() { LOG.info("x"); return 1; }
}
"""
BASE = """package org.shop.sales;

public abstract class Base {
    int fromBase(int x) { return x + 1; }
    int other() { return 2; }
}
"""
RATES = """package org.shop.money;

public final class Rates {
    private Rates() {}
    public static int taxed(int x) { return x * RATE; }
    private static final int RATE = 2;
    public static int untaxed(int x) { return x - RATE; }
}
"""
SHELF = "package org.shop.sales;\n\npublic enum Shelf { A, B; static int WIDTH = 4; }\n"
FILES = {
    "src/org/shop/sales/Store.java": STORE,
    "src/org/shop/sales/Base.java": BASE,
    "src/org/shop/sales/Shelf.java": SHELF,
    "src/org/shop/money/Rates.java": RATES,
}


def test_a_class_comes_with_the_members_that_are_asked_for(tmp_path: Path) -> None:
    seeds = cut(tmp_path, FILES, "java")
    closed = seeds["add"].closed
    for here in ("int fromBase", "WIDTH = 4", "int taxed", "RATE = 2", "Store(int start)", "Item(int price)"):
        assert closed.count(here) == 1, here
    for absent in ("unused", "other()", "untaxed", "twice", "LOG", "elsewhere", "package", "public class"):
        assert absent not in closed, absent
    assert "compareTo" in closed, "an interface of the class asks for it"
    assert closed.index("add(int price)") < closed.index("add(Item item"), "the method itself is the last"
    assert closed.startswith("import java.util.ArrayList;\nimport java.util.List;\n")


def test_an_import_from_outside_is_refused(tmp_path: Path) -> None:
    seeds = cut(tmp_path, FILES, "java")
    assert why(seeds["unused"]) == (
        "not_self_contained",
        "org.elsewhere.Logger",
        "is outside the platform and the own tree",
    )
