"""What Java programs call that gives another answer at another time, or only in Java: its own generator."""

from typing import Final

IMPURE: Final = {
    "chance": (
        "Random",
        "Math.random",
        "SecureRandom",
        "ThreadLocalRandom",
        "SplittableRandom",
        "RandomGenerator",
        "randomUUID",
        "Collections.shuffle",
        "KeyPairGenerator",
        "KeyGenerator",
    ),
    "the clock": (
        "System.currentTimeMillis",
        "System.nanoTime",
        "Instant.now",
        "LocalDate.now",
        "LocalTime.now",
        "LocalDateTime.now",
        "ZonedDateTime.now",
        "Clock",
        "Calendar.getInstance",
        "new Date()",
    ),
    "threads": (
        "Thread",
        "ExecutorService",
        "Executors",
        "CompletableFuture",
        "ForkJoinPool",
        "parallelStream",
        "Timer",
    ),
    "files": ("File", "Files", "FileReader", "FileWriter", "FileInputStream", "FileOutputStream"),
    "its input": ("System.in", "System.console"),
    "the environment": (
        "System.getenv",
        "System.getProperty",
        "System.identityHashCode",
        "Runtime",
        "ProcessBuilder",
        "System.exit",
    ),
    "the network": ("Socket", "ServerSocket", "HttpClient", "HttpURLConnection", "URLConnection"),
}
