<?php
declare(strict_types=1);

// The PHP driver: calls one function of a program on each input and writes the results to a private descriptor.
//
// It runs inside the sandbox: `php driver.php`, the program beside it in solution.php, the request on stdin. Lines in and out are
// described in docs/architecture/execution.md. PHP has one array for lists, tuples and maps, and turns keys such as "10" into
// integers: the signature's result type says what an array is, and what its keys are.

final class CodemillUnreadable extends \Exception {}

final class CodemillDriver
{
    private const ANY = ['?', []];

    // --- types: prefix tokens, `l t2 i s` for list[tuple[int, str]] ---

    private static function readKind(array $tokens, int &$at): array
    {
        $token = $tokens[$at++];
        $count = match ($token[0]) { 't' => (int) \substr($token, 1), 'm' => 2, 'l' => 1, default => 0 };
        $inner = [];
        for ($i = 0; $i < $count; $i++) $inner[] = self::readKind($tokens, $at);
        return [$token[0], $inner];
    }

    // --- values in ---

    private static function decodeInt(string $text): int
    {
        if ((string) (int) $text !== $text) throw new \RangeException("the integer $text does not fit 64 bits");
        return (int) $text;
    }

    private static function decodeFloat(string $text): float
    {
        return match ($text) { 'nan' => NAN, 'inf' => INF, '-inf' => -INF, default => (float) $text };
    }

    private static function decode(array $tokens, int &$at): mixed
    {
        $token = $tokens[$at++];
        $rest = \substr($token, 1);
        switch ($token[0]) {
            case 'i': return self::decodeInt($rest);
            case 'f': return self::decodeFloat($rest);
            case 's': return \hex2bin($rest);
            case 'b': return $rest === '1';
            case 'n': return null;
        }
        $items = [];
        for ($left = (int) $rest; $left > 0; $left--) {
            if ($token[0] === 'm') {
                $key = self::decode($tokens, $at);
                $items[$key] = self::decode($tokens, $at);
            } else $items[] = self::decode($tokens, $at);
        }
        return $items;
    }

    // --- values out ---

    private static function encodeFloat(float $value): string
    {
        if (\is_nan($value)) return 'fnan';
        if (\is_infinite($value)) return $value > 0 ? 'finf' : 'f-inf';
        if ($value === 0.0) return \fdiv(1.0, $value) < 0 ? 'f-0.0' : 'f0.0';
        return 'f' . \sprintf('%.16e', $value);
    }

    private static function encode(mixed $value, array $kind, array &$out): void
    {
        if ($value === null) $out[] = 'n';
        elseif (\is_bool($value)) $out[] = $value ? 'b1' : 'b0';
        elseif (\is_int($value)) $out[] = 'i' . $value;
        elseif (\is_float($value)) $out[] = self::encodeFloat($value);
        elseif (\is_string($value)) $out[] = 's' . \bin2hex($value);
        elseif (\is_array($value)) self::encodeArray($value, $kind, $out);
        else throw new CodemillUnreadable('a value of type ' . \get_debug_type($value) . ' is not language-neutral');
    }

    private static function encodeArray(array $array, array $kind, array &$out): void
    {
        if ($kind[0] === 'm' || !\array_is_list($array)) {
            $out[] = 'm' . \count($array);
            $keyKind = $kind[1][0] ?? self::ANY;
            foreach ($array as $key => $item) {
                self::encode($keyKind[0] === 's' ? (string) $key : $key, $keyKind, $out);
                self::encode($item, $kind[1][1] ?? self::ANY, $out);
            }
            return;
        }
        $out[] = ($kind[0] === 't' ? 't' : 'l') . \count($array);
        foreach ($array as $index => $item) self::encode($item, $kind[1][$kind[0] === 't' ? $index : 0] ?? self::ANY, $out);
    }

    // --- the run ---

    private static function hex(string $text): string { return \bin2hex(\substr($text, 0, 300)); }

    private static function result(callable $target, string $line, array $kind): string
    {
        try {
            $arguments = [];
            foreach ($line === '' ? [] : \explode("\t", $line) as $part) {
                $at = 0;
                $arguments[] = self::decode(\explode(' ', $part), $at);
            }
            $value = $target(...$arguments);
        } catch (\Throwable $error) {
            return 'raised ' . self::hex(\get_class($error) . ': ' . $error->getMessage());
        }
        try {
            $out = [];
            self::encode($value, $kind, $out);
            return 'returned ' . \implode(' ', $out);
        } catch (\Throwable $error) {
            return 'unreadable ' . self::hex($error->getMessage());
        }
    }

    private static function find(string $name): callable
    {
        if (\function_exists($name)) return $name;
        foreach (\get_defined_functions()['user'] as $defined) {
            if (\str_ends_with($defined, '\\' . \strtolower($name))) return $defined;
        }
        if (\class_exists('Solution') && \method_exists('Solution', $name)) return fn (...$given) => (new \Solution())->$name(...$given);
        throw new \Error("the program defines no function '$name'");
    }

    private static array $lines;
    /** @var resource */
    private static $channel;

    private static function send(string $text): void { \fwrite(self::$channel, self::$lines[0] . " $text\n"); }

    /** Before the program is loaded: the request is read, and stdin is empty from then on. */
    public static function begin(): void
    {
        self::$lines = \explode("\n", \stream_get_contents(\STDIN));
        \fclose(\STDIN);
        self::$channel = \fopen('php://fd/3', 'wb');
    }

    /** The program could not be loaded. */
    public static function refuse(\ParseError $error): never
    {
        if (\basename($error->getFile()) !== 'solution.php') throw $error;
        self::send('parse_error ' . self::hex($error->getMessage() . ' on line ' . $error->getLine()));
        exit(1);
    }

    public static function run(): void
    {
        $at = 0;
        $kind = self::readKind(\explode(' ', self::$lines[3]), $at);
        $target = self::find(self::$lines[1]);
        $count = (int) self::$lines[4];
        for ($i = 0; $i < $count; $i++) self::send($i . ' ' . self::result($target, self::$lines[5 + $i], $kind));
        self::send('finished');
    }
}

// Loaded here, where its top-level variables are globals, as they are when it runs alone.
CodemillDriver::begin();
try {
    require '/work/solution.php';
} catch (\ParseError $codemillError) {
    CodemillDriver::refuse($codemillError);
}
CodemillDriver::run();
