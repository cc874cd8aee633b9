"""What JavaScript and TypeScript programs call that gives another answer at another time."""

from typing import Final

IMPURE: Final = {
    "chance": ("Math.random", "getRandomValues", "randomUUID", "randomBytes", "randomInt"),
    "the clock": (
        "Date.now",
        "new Date()",
        "new Date;",
        "Date()",
        "performance.now",
        "hrtime",
        "setTimeout(",
        "setInterval(",
        "setImmediate(",
    ),
    "threads": ("Worker", "SharedArrayBuffer"),
    "files": ("readFileSync", "writeFileSync", "readFile(", "createReadStream", "Deno", "Bun"),
    "its input": ("readline", "process.stdin", "prompt("),
    "the environment": (
        "process.env",
        "process.argv",
        "process.platform",
        "process.memoryUsage",
        "navigator",
        "document",
        "window",
        "localStorage",
        "child_process",
    ),
    "the network": ("fetch(", "XMLHttpRequest", "WebSocket", "axios"),
}
