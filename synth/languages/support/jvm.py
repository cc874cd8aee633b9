"""What the languages of the Java virtual machine share: flags, where Debian keeps their libraries, and a
private descriptor's stream.

Place in the flow: used by the modules of Clojure, Groovy, Kotlin and Scala. The one rule: nothing here knows
a language.
"""

from synth.languages.java import FLAGS

JARS = "/usr/share/java"
"""Where Debian's packages put jar files."""

RUN = ("{java}", *FLAGS, "-Xss64m")
"""A short-lived virtual machine with a deep stack."""
