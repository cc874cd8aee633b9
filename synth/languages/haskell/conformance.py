"""Programs of Haskell that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Gold, ScriptPrograms

GOLD = Gold("solve :: [Int] -> Int\nsolve xs = sum xs\n", ("l3 i1 i2 i3",), "i6")
HELLO = """main :: IO ()
main = getLine >>= print . sum . map (read :: String -> Integer) . words
"""
SAMPLES = ConformancePrograms(
    wrong="module Answer (solve) where\n\nsolve :: [Integer] -> Int\nsolve = length\n",
    hanging="solve :: [Int] -> Int\nsolve xs = length (cycle xs)\n",
    crashing="solve :: [Int] -> Int\nsolve xs = xs !! 99\n",
    broken="solve :: [Int] -> Int\nsolve xs = (sum xs\n",
    refused="solve :: [Int] -> Int\nsolve xs = nothing\n",
    identity=" = x\n",
    mutator="solve :: [Int] -> Int -> [Int]\nsolve xs k = xs ++ [k]\n",
    honest="""{-# LANGUAGE BangPatterns #-}
solve :: Int -> Int
solve !x = x * x + 7

main :: IO ()
main = return ()
""",
    script=ScriptPrograms(
        right="""twice :: Int -> Int
twice x = x + x
""",
        wrong="""module Main (main) where
import Control.Exception (assert)
twice :: Int -> Int
twice x = x * x * x
""",
        script="""main :: IO ()
main = if twice 3 == 6 then putStrLn "ok" else error "assertion failed"
""",
        leaving=(
            """import System.Exit
import System.IO.Unsafe
twice :: Int -> Int
twice _ = unsafePerformIO exitSuccess
""",
            """import System.Posix.Process
import System.Exit
import System.IO.Unsafe
twice :: Int -> Int
twice _ = unsafePerformIO (exitImmediately ExitSuccess)
""",
        ),
    ),
)
