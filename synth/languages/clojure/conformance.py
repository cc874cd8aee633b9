"""Programs of Clojure that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("(defn solve [xs]\n  (reduce + 0 xs))\n", ("l3 i1 i2 i3",), "i6")
HELLO = """(println
  (reduce + (map #(Long/parseLong %) (clojure.string/split (clojure.string/trim (slurp *in*)) #" "))))
"""
STUBS = (
    Stub(
        head=r"\(defn-?\s+(?P<name>[^\s()\[\]]+)",
        again="(defn NAME [& _] VALUE)",
        untyped=(("0", "7919"), ('""', '"codemill"'), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="(ns answer (:require [clojure.string :as s]))\n(defn solve [xs] (count xs))\n",
    hanging="(defn solve [xs] (loop [] (recur)))\n",
    crashing="(defn solve [xs] (nth xs 99))\n",
    broken="(defn solve [xs] (count xs)",
    identity="\n  x)\n",
    mutator="(defn solve [xs k] (conj xs k))\n",
    honest="(defn solve [x] (+ (* x x) 7))\n",
    script=ScriptPrograms(
        right="(defn twice [x] (+ x x))",
        wrong="(defn twice [x] (* x x x))",
        script="""(require '[clojure.test :refer [deftest is run-tests]])
(deftest of-twice (is (= 6 (twice 3))))
(run-tests)
""",
        leaving=(
            "(System/exit 0)",
            "(defn twice [x] (System/exit 0))",
            '(def x "',
        ),
    ),
)
