"""PHP: stdin/stdout programs; no driver for typed calls yet."""

from synth.languages.spec import Language

LANGUAGE = Language(
    name="php",
    file_name="main.php",
    tools=("php",),
    install="apt-get install -y php-cli",
    grammar="php",
    written="PHP",
    run_command=("{php}", "-n", "main.php"),
    runtime_mb=64,
    hello="""<?php
echo array_sum(array_map('intval', preg_split('/ /', trim(stream_get_contents(STDIN))))), PHP_EOL;
""",
)
