{-# LANGUAGE FlexibleInstances #-}

-- | The Haskell driver: calls one function of a program on each input and writes the results to a private descriptor.
--
-- It is compiled once; each program is compiled with a Main that names its function. Lines in and out are described in
-- docs/architecture/execution.md. Arguments are read as the types that the function declares.
module Codemill (Wire, drive, next, wire) where

import Control.Exception (SomeException, evaluate, fromException, throwIO, try)
import Data.Char (chr, isDigit, ord)
import Data.Int (Int32, Int64)
import Data.List (intercalate)
import qualified Data.Map as Map
import GHC.IO.Handle.FD (fdToHandle)
import System.Exit (ExitCode)
import System.IO
import Foreign.C.Types (CInt (..))

foreign import ccall "_exit" exitNow :: CInt -> IO ()

-- Reading takes tokens and gives what is left of them; writing puts tokens before others.
class Wire a where
  get :: [String] -> (a, [String])
  put :: a -> [String] -> [String]
  getList :: [String] -> ([a], [String])
  getList tokens = let (count, rest) = open 'l' tokens in many count rest
  putList :: [a] -> [String] -> [String]
  putList items rest = ('l' : show (length items)) : foldr put rest items

many :: Wire a => Int -> [String] -> ([a], [String])
many 0 tokens = ([], tokens)
many count tokens =
  let (item, rest) = get tokens
      (items, left) = many (count - 1) rest
   in (item : items, left)

text :: Char -> [String] -> (String, [String])
text wanted ((tag : content) : rest) | tag == wanted = (content, rest)
text wanted tokens = error ("the input has " ++ show (take 1 (concat (take 1 tokens))) ++ " where the parameter needs " ++ show wanted)

open :: Char -> [String] -> (Int, [String])
open wanted tokens = let (content, rest) = text wanted tokens in (read content, rest)

-- Numbers

instance Wire Integer where
  get tokens = let (content, rest) = text 'i' tokens in (read content, rest)
  put value rest = ('i' : show value) : rest

bounded :: (Integral a, Bounded a) => [String] -> (a, [String])
bounded tokens =
  let (value, rest) = get tokens :: (Integer, [String])
      made = fromInteger value
   in if toInteger made == value then (made, rest) else error ("the integer " ++ show value ++ " does not fit the parameter")

instance Wire Int where
  get = bounded
  put = put . toInteger

instance Wire Int64 where
  get = bounded
  put = put . toInteger

instance Wire Int32 where
  get = bounded
  put = put . toInteger

readFloat :: String -> Double
readFloat "nan" = 0 / 0
readFloat "inf" = 1 / 0
readFloat "-inf" = -1 / 0
readFloat ('-' : content) = negate (readFloat content)
readFloat content = read (completed content)
  where
    completed digits = let (whole, rest) = span isDigit digits in if take 1 rest == "." then digits else whole ++ ".0" ++ rest

showFloat :: Double -> String
showFloat value
  | isNaN value = "nan"
  | isInfinite value = if value > 0 then "inf" else "-inf"
  | otherwise = show value

instance Wire Double where
  get tokens = let (content, rest) = text 'f' tokens in (readFloat content, rest)
  put value rest = ('f' : showFloat value) : rest

instance Wire Float where
  get tokens = let (value, rest) = get tokens :: (Double, [String]) in (realToFrac value, rest)
  put value = put (realToFrac value :: Double)

instance Wire Bool where
  get tokens = let (content, rest) = text 'b' tokens in (content == "1", rest)
  put value rest = (if value then "b1" else "b0") : rest

instance Wire () where
  get tokens = ((), snd (text 'n' tokens))
  put () rest = "n" : rest

-- Text: UTF-8 in hex, lone surrogates as three bytes

bytesOf :: String -> [Int]
bytesOf (high : low : rest) = (digit high * 16 + digit low) : bytesOf rest
  where
    digit c = if isDigit c then ord c - 48 else ord c - 87
bytesOf _ = []

decode :: [Int] -> String
decode [] = []
decode (b : rest)
  | b < 0x80 = chr b : decode rest
  | b < 0xe0 = joined (b - 0xc0) 1
  | b < 0xf0 = joined (b - 0xe0) 2
  | otherwise = joined (b - 0xf0) 3
  where
    joined lead count = let (tailing, left) = splitAt count rest in chr (foldl (\point c -> point * 64 + (c - 0x80)) lead tailing) : decode left

encode :: Char -> [Int]
encode letter
  | point < 0x80 = [point]
  | point < 0x800 = [0xc0 + point `div` 64, low point]
  | point < 0x10000 = [0xe0 + point `div` 4096, low (point `div` 64), low point]
  | otherwise = [0xf0 + point `div` 262144, low (point `div` 4096), low (point `div` 64), low point]
  where
    point = ord letter
    low value = 0x80 + value `mod` 64

hex :: String -> String
hex = concatMap byte . concatMap encode
  where
    byte value = [digit (value `div` 16), digit (value `mod` 16)]
    digit value = chr (if value < 10 then 48 + value else 87 + value)

instance Wire Char where
  get tokens = case getList tokens of
    ([letter], rest) -> (letter, rest)
    _ -> error "the string does not fit a Char"
  put letter = putList [letter]
  getList tokens = let (content, rest) = text 's' tokens in (decode (bytesOf content), rest)
  putList letters rest = ('s' : hex letters) : rest

-- Collections

instance Wire a => Wire [a] where
  get = getList
  put = putList

instance (Ord k, Wire k, Wire v) => Wire (Map.Map k v) where
  get tokens = let (count, rest) = open 'm' tokens in let (pairs, left) = entries count rest in (Map.fromList pairs, left)
    where
      entries 0 left = ([], left)
      entries count left =
        let (key, afterKey) = get left
            (value, afterValue) = get afterKey
            (others, end) = entries (count - 1 :: Int) afterValue
         in ((key, value) : others, end)
  put items rest = ('m' : show (Map.size items)) : foldr (\(key, value) left -> put key (put value left)) rest (Map.toList items)

instance Wire a => Wire (Maybe a) where
  get ("n" : rest) = (Nothing, rest)
  get tokens = let (value, rest) = get tokens in (Just value, rest)
  put Nothing rest = "n" : rest
  put (Just value) rest = put value rest

instance (Wire a, Wire b) => Wire (a, b) where
  get tokens = let (_, t0) = open 't' tokens; (a, t1) = get t0; (b, t2) = get t1 in ((a, b), t2)
  put (a, b) rest = "t2" : put a (put b rest)

instance (Wire a, Wire b, Wire c) => Wire (a, b, c) where
  get tokens = let (_, t0) = open 't' tokens; (a, t1) = get t0; (b, t2) = get t1; (c, t3) = get t2 in ((a, b, c), t3)
  put (a, b, c) rest = "t3" : put a (put b (put c rest))

instance (Wire a, Wire b, Wire c, Wire d) => Wire (a, b, c, d) where
  get tokens = let (_, t0) = open 't' tokens; (a, t1) = get t0; (b, t2) = get t1; (c, t3) = get t2; (d, t4) = get t3 in ((a, b, c, d), t4)
  put (a, b, c, d) rest = "t4" : put a (put b (put c (put d rest)))

-- The run

split :: Char -> String -> [String]
split separator content = case break (== separator) content of
  (part, _ : rest) -> part : split separator rest
  (part, []) -> [part]

-- | The next of the arguments, and those after it.
next :: Wire a => [String] -> (a, [String])
next (argument : others) = (fst (get (split ' ' argument)), others)
next [] = error "an argument is missing"

wire :: Wire a => a -> String
wire value = unwords (put value [])

-- An exit is no exception of the function: it ends the process.
result :: ([String] -> String) -> String -> IO String
result call line = do
  told <- try (let value = call (split '\t' line) in evaluate (length value) >> return value)
  case told of
    Right value -> return ("returned " ++ value)
    Left problem -> case fromException problem of
      Just code -> throwIO (code :: ExitCode)
      Nothing -> return ("raised " ++ hex (take 300 (show (problem :: SomeException))))

drive :: ([String] -> String) -> IO ()
drive call = do
  request <- getContents
  channel <- fdToHandle 3
  hSetBinaryMode channel True
  let (nonce : _ : _ : _ : count : cases) = split '\n' request
      send content = hPutStrLn channel (intercalate " " [nonce, content]) >> hFlush channel
      run index line = result call line >>= \told -> send (show index ++ " " ++ told)
  sequence_ (zipWith run [0 :: Int ..] (take (read count) cases))
  send "finished"
  hFlush stdout
  exitNow 0
