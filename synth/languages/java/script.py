"""Script mode of Java: a class `CodemillScript` that calls the script's `main`. The comment in
java/Driver.java says why it writes to the channel in this way."""

import re

from synth.languages.support.declarations import enclosing
from synth.languages.support.scripts import last_in_script

_END = """
class CodemillScript {
    public static void main(String[] words) throws Throwable {
        MAIN.main(words);
        java.lang.reflect.Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        sun.misc.Unsafe unsafe = (sun.misc.Unsafe) field.get(null);
        java.io.FileDescriptor channel = new java.io.FileDescriptor();
        java.lang.reflect.Field number = java.io.FileDescriptor.class.getDeclaredField("fd");
        unsafe.putInt(channel, unsafe.objectFieldOffset(number), 3);
        new java.io.FileOutputStream(channel).write(MARK.getBytes());
    }
}
"""
_MAIN = re.compile(r"\bstatic\s+(?:final\s+)?(?:public\s+)?void\s+main\s*\(")
_PACKAGE = re.compile(r"^\s*package\s[^;\n]*;", re.MULTILINE)
_PUBLIC = re.compile(
    r"^\s*public\s+(?:final\s+|abstract\s+)*(?:class|interface|enum|record)\s+(\w+)", re.MULTILINE
)


def script_files(code: str, script: str, mark: str) -> dict[str, str]:
    """(code, script, mark) to the one file of the program. Its main class is `CodemillScript`."""
    code = _PACKAGE.sub("", code)
    text = f"{code}\n{_PACKAGE.sub('', script)}\n"
    main = last_in_script(_MAIN, code, text)
    owner = enclosing(text, r"\b(?:class|enum|interface|record)\s+(\w+)", main.start()) if main else None
    public = _PUBLIC.search(text)
    end = _END.replace("MAIN", owner or "TheScriptHasNoMain").replace("MARK", mark)
    return {f"{public[1] if public else 'Main'}.java": text + end}
